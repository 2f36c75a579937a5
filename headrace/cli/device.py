"""`headrace device`: who may publish to the listener."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home

device = noun("Give devices a token for the listener, list those that have one, or revoke it.")

Names = Annotated[list[str], typer.Argument(metavar="DEVICE", help="Name of a device; several are possible.")]
Topics = Annotated[
    list[str] | None,
    typer.Option(
        "--topics",
        metavar="FILTER",
        help="MQTT topic filter that it may publish to as well: for a gateway that speaks for other devices. Can be "
        "repeated.",
        show_default="its own topics only",
    ),
]
Replace = Annotated[bool, typer.Option("--replace", help="Give a device that has a token a new one, which ends it.")]


@device.command()
def add(devices: Names, topics: Topics = None, replace: Replace = False, home: Home = None) -> None:
    """Make a token for each device and print it, once: it is stored as a hash.

    Prints a line for each device, its name and its token with a tab between. A running listener knows it within a
    second.

    Example: `headrace device add pump-7`
    """
    from connectors.listener.device_tokens import add_devices

    created = datetime.now(UTC).isoformat(timespec="seconds")
    for name, token in add_devices(_file(home), devices, topics or [], created, replace):
        print(f"{name}\t{token}")


@device.command()
def ls(home: Home = None, as_json: AsJson = False) -> None:
    """List the devices that have a token.

    Example: `headrace device ls`
    """
    from connectors.listener.device_tokens import read_tokens

    tokens = read_tokens(_file(home))
    if as_json:
        print(json.dumps([each.model_dump(exclude={"sha256"}) for each in tokens], indent=2))
        return
    for each in tokens:
        print("\t".join([each.device, each.created, *each.topics]))


@device.command()
def revoke(devices: Names, home: Home = None) -> None:
    """End the tokens of these devices. A running listener disconnects them within a second.

    Example: `headrace device revoke pump-7`
    """
    from connectors.listener.device_tokens import revoke_devices

    revoke_devices(_file(home), devices)


def _file(home: Path | None) -> Path:
    """HEADRACE_LISTENER_TOKENS_FILE, else that of the local stack."""
    from connectors.listener.settings import TOKENS_FILE, ListenerSettings
    from stack.layout import Layout

    if home is None and "tokens_file" in (settings := ListenerSettings()).model_fields_set:
        return settings.tokens_file
    return Layout.of(home).settings.secrets / TOKENS_FILE
