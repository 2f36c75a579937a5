"""`headrace source`: which MQTT topics are read and how, what payloads become, and a changed file applied."""

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.endpoints import StackSettings
    from headrace.sources.preview import Preview
    from schemas.sources import Sources

source = noun("List, add and try sources: which MQTT topics are read, and how payloads become readings.")


def _presets(incomplete: str) -> list[str]:
    from schemas.presets import PRESETS

    return [name for name in PRESETS if name.startswith(incomplete)]


PresetName = Annotated[
    str,
    typer.Argument(
        metavar="PRESET", help="Name of a preset (docs/reference/sources.md lists them).", autocompletion=_presets
    ),
]


@source.command()
def ls(as_json: AsJson = False, home: Home = None) -> None:
    """List the sources in their order, with their topic filters and codecs. Needs no running stack."""
    from headrace.sources.applied import AppliedSources
    from headrace.sources.source_tables import CHANGED, print_sources, sources_as_json
    from schemas.sources_file import load_sources
    from stack.layout import Layout

    layout = Layout.of(home)
    file = layout.settings.sources_file
    sources, has_changed = load_sources(file), AppliedSources.of_stack(layout).differs_from(file)
    if as_json:
        print(json.dumps(sources_as_json(sources, file, file.exists(), has_changed), indent=2, ensure_ascii=False))
        return
    print_sources(sources, file, file.exists(), Console(soft_wrap=True))
    if has_changed:
        print(f"{CHANGED.format(file=file.name)}. Apply it: headrace source apply")


@source.command()
def add(
    preset: PresetName,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the new source.", show_default="the preset's"),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILTER",
            help="MQTT topic filter with named levels, such as `plant/{line}/{device}/SENSOR`. May be repeated.",
            show_default="the preset's",
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Append a source with a preset to sources.toml. What stands there stays as it is.

    A new file begins with the default source, so that it is still read.

    Example: `headrace source add tasmota --topic 'plant/{device}/SENSOR'`
    """
    from connectors.atomic_write import atomic_write_text
    from headrace.sources.added import with_preset
    from schemas.sources_file import read_sources

    _check_preset(preset, "PRESET")
    file = _settings(home).sources_file
    text = with_preset(read_sources(file), preset, name, topic or (), str(file))
    atomic_write_text(file, text)
    print(f"added {name or preset} to {file}. On a running stack, apply it: headrace source apply")


@source.command()
def apply(home: Home = None, port_offset: PortOffset = None) -> None:
    """Apply a changed sources.toml to the running stack: restart the cleaning job, the bridge and the listeners.

    Says what differs from the sources that run. clean_telemetry stops with a savepoint and starts from it with the new
    sources; if it cannot, it starts with those that it had. No message is lost: the broker keeps them for the bridge.

    For the local stack only. On another cluster: docs/how-to/sources.md.
    """
    from headrace.sources.run import apply_sources
    from stack.layout import Layout

    console = Console(soft_wrap=True)
    apply_sources(Layout.of(home, port_offset), console)


@source.command("test")
def try_sources(
    payload: Annotated[
        str | None,
        typer.Argument(metavar="PAYLOAD", help="Payload to decode; `-` reads it from stdin.", show_default="none"),
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option(metavar="TOPIC", help="MQTT topic that the payload is sent to.", show_default="none"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="File with the payload, byte by byte.",
            show_default="none",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET",
            help="Try this preset in place of the declared sources.",
            show_default="none",
            autocompletion=_presets,
        ),
    ] = None,
    login: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help='Device that authenticated at the listener, for sources with `device = "{login}"`.',
            show_default="none",
        ),
    ] = None,
    live: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="Decode the next messages of the MQTT broker.", show_default="none"),
    ] = None,
    within: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="With `--live`: wait this long for the next message.")
    ] = 60,
    presets: Annotated[
        bool, typer.Option("--presets", help="Decode the test vectors of every preset. So does no option at all.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Show which readings a payload becomes, and what of it is rejected and why.

    Needs no running stack but for `--live`, which subscribes by a client of its own and acknowledges nothing. Exit
    status: 0 when a source reads the topic and nothing is rejected, else 1.

    Example: `headrace source test --preset tasmota --topic tele/cellar/SENSOR '{"AM2301":{"Temperature":14.5}}'`
    """
    payloads = [each for each in (payload, file, live, presets or None) if each is not None]
    if len(payloads) > 1:
        raise typer.BadParameter("give one of PAYLOAD, --file, --live and --presets")
    if not payloads or presets:
        _test_presets()
        return
    settings = _settings(home, port_offset)
    sources = _sources(settings, preset)
    if live is not None:
        _show(_live(sources, settings, live, within), as_json)
        return
    if topic is None:
        raise typer.BadParameter("the topic says which source reads the payload", param_hint="--topic")
    _show(iter([_one(sources, topic, _bytes(payload, file), login)]), as_json)


def _test_presets() -> None:
    from headrace.sources.vectors import failures
    from schemas.presets import PRESETS, preset

    failed = [line for name in PRESETS for line in failures(name)]
    for line in failed:
        print(f"✘ {line}", file=sys.stderr)
    vectors = sum(len(preset(name).vector) for name in PRESETS)
    print(f"{vectors - len(failed)} of {vectors} test vectors of {len(PRESETS)} presets pass")
    if failed:
        raise typer.Exit(1)


def _bytes(payload: str | None, file: Path | None) -> bytes:
    """The payload; of one that is too large only so much that this shows."""
    from schemas.limits import PAYLOAD_BYTES

    if file is not None:
        with file.open("rb") as opened:
            return opened.read(PAYLOAD_BYTES + 1)
    if payload == "-":
        return sys.stdin.buffer.read(PAYLOAD_BYTES + 1)
    return (payload or "").encode("utf-8", "surrogateescape")


def _one(sources: "Sources", topic: str, payload: bytes, login: str | None) -> "Preview":
    from headrace.sources.preview import preview

    return preview(sources, topic, payload, _now_ms(), login)


def _live(sources: "Sources", settings: "StackSettings", number: int, within_s: float) -> Iterator["Preview"]:
    from connectors.endpoints import Endpoints
    from headrace.sources.live import live_messages
    from headrace.sources.preview import Previews

    endpoints, previews = Endpoints.load(settings), Previews(sources)
    messages = live_messages(endpoints, sources.filters, within_s)
    for message in islice(messages, number):
        yield previews.preview(message.topic, message.payload, _now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _show(previews: Iterator["Preview"], as_json: bool) -> None:
    from headrace.sources.source_tables import preview_as_json, print_preview, summary_of

    shown: list[Preview] = []
    for each in previews:
        shown.append(each)
        if as_json:
            print(json.dumps(preview_as_json(each), ensure_ascii=False))
        else:
            print_preview(each, Console(soft_wrap=True))
    if len(shown) != 1 and not as_json:
        print(summary_of(shown))
    if not shown or not all(each.is_usable for each in shown):
        raise typer.Exit(1)


def _sources(settings: "StackSettings", preset: str | None) -> "Sources":
    from schemas.presets import preset_fields
    from schemas.source import Source
    from schemas.sources import Sources
    from schemas.sources_file import load_sources

    if preset is None:
        return load_sources(settings.sources_file)
    _check_preset(preset, "--preset")
    return Sources([Source(**preset_fields(preset))])


def _check_preset(preset: str, hint: str) -> None:
    from schemas.presets import PRESETS

    if preset not in PRESETS:
        raise typer.BadParameter(f"no preset {preset!r}; there are {', '.join(PRESETS)}", param_hint=hint)


def _settings(home: Path | None, port_offset: int | None = None) -> "StackSettings":
    from stack.layout import Layout

    return Layout.of(home, port_offset).settings
