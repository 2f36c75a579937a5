"""`headrace alert`: list alerts, and say of each whether it was one."""

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.endpoints import Endpoints
    from connectors.redis.alerts import StoredAlert
    from schemas.alert_verdict import Ruling

alert = noun("List alerts, and confirm or dismiss them.")

TIMEOUT_MS = 20_000
MAX_SHOWN = 1000

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="Device of the alert.")]
Metric = Annotated[str, typer.Argument(metavar="METRIC", help="Metric of the alert.")]
Episode = Annotated[
    str,
    typer.Argument(
        metavar="EPISODE", help="Event time of the alert, as `headrace alert ls` shows it, or in ms since the epoch."
    ),
]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Why, in up to 500 characters.")]
OfDevice = Annotated[
    str | None, typer.Option("--device", metavar="DEVICE", help="Alerts of this device.", show_default="of all devices")
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Alerts from this event time on: `2h` or `7d` ago, or `2026-09-21T14:00:00Z`.",
        show_default="as long as Redis keeps them, 30 days",
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Alerts without a verdict.")]
All = Annotated[bool, typer.Option("--all", help="Also alerts over the budget of their device.")]


@alert.command()
def ls(
    device: OfDevice = None,
    since: Since = None,
    is_open: Open = False,
    with_all: All = False,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """List the latest 1,000 alerts of Redis, those with one cause together.

    Alerts of one metric and kind on three devices or more, each within five minutes of the one before, are one line;
    `--json` has each of them. Alerts of a device within five minutes of each other have one number.

    Example: `headrace alert ls --since 1d --open`
    """
    from headrace.alerts.causes import causes
    from headrace.alerts.listing import print_alerts

    found = _stored(_endpoints(home, port_offset), device, since)
    wanted = [each for each in found if not (is_open and each.verdict)]
    shown = [each for each in wanted if with_all or not each.over_budget]
    if as_json:
        rows = ([each.model_dump(mode="json") for each in cause.alerts] for cause in causes(shown))
        print(json.dumps(list(rows), indent=2))
        return
    print_alerts(causes(shown), len(wanted) - len(shown), Console())


@alert.command()
def confirm(
    device: Device,
    metric: Metric,
    episode: Episode,
    note: Note = None,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Say that something was wrong. Lowers a threshold that dismissed alerts have raised.

    Example: `headrace alert confirm pump-7 temperature 2026-12-01T14:03:00.000 --note "bearing replaced"`
    """
    from schemas.alert_verdict import Ruling

    _decide(_endpoints(home, port_offset), device, metric, episode, Ruling.CONFIRMED, note)


@alert.command()
def dismiss(
    device: Device,
    metric: Metric,
    episode: Episode,
    note: Note = None,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Say that nothing was wrong. Raises the threshold of the series, from its next reading on.

    By a factor of 1.2 for each of its last eight alerts that is dismissed, 2.07 at most; the raise is gone half a year
    after the last verdict. A second verdict on an alert replaces the first.

    Example: `headrace alert dismiss pump-7 temperature 2026-12-01T14:03:00.000 --note "maintenance"`
    """
    from schemas.alert_verdict import Ruling

    _decide(_endpoints(home, port_offset), device, metric, episode, Ruling.DISMISSED, note)


def _decide(endpoints: "Endpoints", device: str, metric: str, episode: str, ruling: "Ruling", note: str | None) -> None:
    from connectors.redis.alerts import stored_alert
    from connectors.redis.clients import async_client_of
    from headrace.alerts.ruling import store_verdict, verdict_on
    from schemas.alert_verdict import MAX_NOTE_LENGTH

    if note is not None and len(note) > MAX_NOTE_LENGTH:
        raise typer.BadParameter(f"--note has {len(note)} characters, and {MAX_NOTE_LENGTH} is the most")
    time_ms = episode_ms(episode)

    async def find() -> "StoredAlert | None":
        async with async_client_of(endpoints, TIMEOUT_MS) as client:
            return await stored_alert(client, device, metric, time_ms)

    verdict = verdict_on(asyncio.run(find()), device, ruling, note)
    store_verdict(endpoints, verdict)
    print(f"{ruling} {verdict.device} {verdict.metric} {episode}")


def _stored(endpoints: "Endpoints", device: str | None, since: str | None) -> "list[StoredAlert]":
    from connectors.redis.alerts import stored_alerts
    from connectors.redis.clients import async_client_of
    from headrace.time_parsing import moment_ms

    try:
        since_ms = None if since is None else moment_ms(since, time.time_ns() // 10**6)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

    async def read() -> "list[StoredAlert]":
        async with async_client_of(endpoints, TIMEOUT_MS) as client:
            return await stored_alerts(client, device, since_ms, MAX_SHOWN)

    return asyncio.run(read())


def episode_ms(text: str) -> int:
    """The event time that a person gives.

    >>> episode_ms("1719800000123"), episode_ms("2024-07-01T02:13:20.123")
    (1719800000123, 1719800000123)
    """
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not the time of an alert: copy it from `headrace alert ls`, such as 2026-12-01T14:03:00.000"
        ) from None


def _endpoints(home: Path | None, port_offset: int | None) -> "Endpoints":
    from connectors.endpoints import Endpoints
    from stack.layout import Layout

    return Endpoints.load(Layout.of(home, port_offset).settings)
