"""`headrace dlq`: dead letters looked at, edited, and sent back."""

import contextlib
import functools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.endpoints import Endpoints
    from headrace.dead_letters.edit import Mender
    from headrace.dead_letters.filters import Filters
    from headrace.dead_letters.letter import DeadLetterId, StoredDeadLetter
    from headrace.dead_letters.replay_log import ReplayLog
    from headrace.dead_letters.replaying import Choice, Tally
    from headrace.dead_letters.topic import DeadLetterReader

Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Of this reason, or unreadable; may be repeated.")]
Stages = Annotated[list[str] | None, typer.Option("--stage", help="Refused by this stage; may be repeated.")]
Devices = Annotated[list[str] | None, typer.Option("--device", help="Of this device; may be repeated.")]
Since = Annotated[str | None, typer.Option(help="Letters since: 30m, 2h, 7d ago, or an ISO time (UTC).")]
Until = Annotated[str | None, typer.Option(help="DeadLetterReader before.")]
One = Annotated[str, typer.Argument(metavar="ID", help="partition:offset, as `dlq ls` shows it.")]
Some = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="partition:offset, as `dlq ls` shows it.")]
All = Annotated[bool, typer.Option("--all", help="All letters, without a filter.")]
Yes = Annotated[bool, typer.Option("--yes", help="Send. Without it nothing is sent.")]
Again = Annotated[bool, typer.Option("--again", help="Send also what was sent back before.")]
AsDevice = Annotated[str | None, typer.Option(help="Send as this device, where the letter has none.")]

dlq = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Dead letters: list, show, edit, send back.")


@dlq.command()
def ls(
    reason: Reasons = None,
    stage: Stages = None,
    device: Devices = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=0, max=10_000, help="How many of the newest are listed.")] = 20,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Count letters by reason, stage and device over time, and list the newest."""
    from headrace.dead_letters import printed
    from headrace.dead_letters.filters import Filters
    from headrace.dead_letters.summary import Summary, TimeAxis

    filters = Filters.of(reason, stage, device, since, until)
    endpoints = _endpoints(home, port_offset)
    with _letters(endpoints) as letters:
        now_ms = time.time_ns() // 10**6
        start_ms = filters.since_ms if filters.since_ms is not None else letters.first_ms() or now_ms
        summary = Summary(TimeAxis(start_ms, min(now_ms, filters.until_ms or now_ms)), limit)
        for kept in letters.read(filters):
            summary.add(kept)
        gone = letters.gone()
    log = _log(endpoints, [row.id for row in summary.newest])
    if as_json:
        print(json.dumps(printed.list_as_json(summary, gone, log), indent=2))
    else:
        printed.print_list(summary, gone, log, _console())


@dlq.command()
def show(
    letter: One,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the payload's bytes to standard output, nothing else.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Show one letter: bytes, headers, reason, where it came from, whether it was sent back."""
    from connectors.mqtt_bridge.settings import BridgeSettings
    from headrace.dead_letters import printed
    from headrace.dead_letters.letter import DeadLetterId
    from headrace.dead_letters.replay_target import replay_target

    id_, endpoints = DeadLetterId.parse(letter), _endpoints(home, port_offset)
    with _letters(endpoints) as letters:
        kept = letters.one(id_)
    if raw:
        sys.stdout.buffer.write(kept.payload)
        return
    way = replay_target(kept, BridgeSettings().max_payload_bytes)
    replays = _log(endpoints, [kept.id]).get(kept.id, [])
    if as_json:
        print(json.dumps(printed.letter_as_json(kept, way, replays), indent=2))
    else:
        printed.print_letter(kept, way, replays, _console())


@dlq.command()
def replay(
    letters: Some = None,
    reason: Reasons = None,
    stage: Stages = None,
    device: Devices = None,
    since: Since = None,
    until: Until = None,
    all_: All = False,
    yes: Yes = False,
    again: Again = False,
    as_device: AsDevice = None,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Send letters back to where their stage reads, or say what would be sent.

    Key, headers and event time stay; the header `replays` counts on. What was sent back before is left out.
    """
    _Work(
        _meant(letters, reason, stage, device, since, until, all_), _endpoints(home, port_offset), again, as_device
    ).do(yes, as_json)


@dlq.command()
def fix(
    letters: Some = None,
    edit: Annotated[bool, typer.Option("--edit", help="In $EDITOR; the default for one letter.")] = False,
    jq: Annotated[str | None, typer.Option(help="By a jq filter, such as '.ts *= 1000'.")] = None,
    python: Annotated[
        str | None, typer.Option(help="By an expression over `payload`, such as \"payload | {'value': 21.4}\".")
    ] = None,
    reason: Reasons = None,
    stage: Stages = None,
    device: Devices = None,
    since: Since = None,
    until: Until = None,
    all_: All = False,
    yes: Yes = False,
    again: Again = False,
    as_device: AsDevice = None,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Change payloads, show the difference, and send them back as `replay` does.

    The letter stays as it is in dead-letters; the message that is sent names it. --python runs your own code.
    """
    meant = _meant(letters, reason, stage, device, since, until, all_)
    if sum((edit, jq is not None, python is not None)) > 1:
        raise typer.BadParameter("say one of --edit, --jq and --python")
    if jq is None and python is None and (meant.ids is None or len(meant.ids) != 1):
        raise typer.BadParameter("the editor takes one ID; for many letters say --jq or --python")
    work = _Work(meant, _endpoints(home, port_offset), again, as_device, _mender(jq, python))
    work.do(yes, as_json, ask=jq is None and python is None)


@dataclass(frozen=True)
class _Meant:
    """The letters of these identifiers, else those of the filters."""

    ids: "list[DeadLetterId] | None"
    filters: "Filters"

    def read(self, letters: "DeadLetterReader") -> "Iterator[StoredDeadLetter]":
        if self.ids is None:
            return letters.read(self.filters)
        return (letters.one(id_) for id_ in self.ids)


@dataclass(frozen=True)
class _Work:
    """Of `replay` and `fix`: the same letters rehearsed, then sent."""

    meant: _Meant
    endpoints: "Endpoints"
    again: bool
    as_device: str | None
    edit: "Mender | None" = None

    def do(self, yes: bool, as_json: bool, ask: bool = False) -> None:
        tally = self._run() if yes else self._rehearse()
        self._report(tally, yes, as_json, with_letters=not yes or self.edit is not None)
        if not yes and tally.sent and not as_json:
            if ask and sys.stdin.isatty() and typer.confirm("Send it?"):
                tally = self._run()
                self._report(tally, True, as_json, with_letters=False)
            else:
                print("Nothing was sent. Send it:  the same with --yes")
        if self.meant.ids is not None and tally.refused:
            raise typer.Exit(1)

    def _rehearse(self) -> "Tally":
        from headrace.dead_letters.replaying import rehearse

        with _letters(self.endpoints) as letters:
            return rehearse(self.meant.read(letters), self._choice())

    def _run(self) -> "Tally":
        from headrace.dead_letters.replay_producer import replay_producer
        from headrace.dead_letters.replaying import run

        # The log is read behind the outbox's opening: from there on nobody else sends.
        with replay_producer(self.endpoints) as out, _letters(self.endpoints) as letters:
            return run(self.meant.read(letters), self._choice(), out)

    def _choice(self) -> "Choice":
        from connectors.mqtt_bridge.settings import BridgeSettings
        from headrace.dead_letters.replaying import Choice

        log = _log(self.endpoints, self.meant.ids)
        largest = BridgeSettings().max_payload_bytes
        return Choice(log, largest, time.time_ns() // 10**6, self.again, self.as_device, self.edit)

    def _report(self, tally: "Tally", sent: bool, as_json: bool, with_letters: bool) -> None:
        from headrace.dead_letters import printed

        if as_json:
            print(json.dumps(printed.tally_as_json(tally, sent), indent=2))
        else:
            printed.print_tally(tally, sent, with_letters, _console())


def _meant(
    ids: list[str] | None,
    reasons: list[str] | None,
    stages: list[str] | None,
    devices: list[str] | None,
    since: str | None,
    until: str | None,
    all_: bool,
) -> _Meant:
    from headrace.dead_letters.filters import Filters
    from headrace.dead_letters.letter import DeadLetterId

    filters = Filters.of(reasons, stages, devices, since, until)
    if bool(ids) + (not filters.lets_everything_through) + all_ != 1:
        raise typer.BadParameter("say which letters: IDs, or filters such as --reason, or --all")
    return _Meant([DeadLetterId.parse(each) for each in dict.fromkeys(ids)] if ids else None, filters)


def _mender(jq: str | None, python: str | None) -> "Mender":
    from headrace.dead_letters import edit

    if jq is not None:
        return edit.by_jq(jq)
    # Once for a payload: what was edited and looked at is what is sent.
    return edit.by_python(python) if python is not None else functools.cache(edit.by_editor())


def _console() -> Console:
    """As wide as the window; into a file or a pipe as wide as it takes."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def _endpoints(home: Path | None, port_offset: int | None) -> "Endpoints":
    from connectors.endpoints import Endpoints
    from stack.layout import Layout

    return Endpoints.load(Layout.of(home, port_offset).settings)


@contextlib.contextmanager
def _letters(endpoints: "Endpoints") -> "Iterator[DeadLetterReader]":
    from headrace.dead_letters.topic import DeadLetterReader, committed

    with committed(endpoints.kafka) as records:
        yield DeadLetterReader(records)


def _log(endpoints: "Endpoints", only: "list[DeadLetterId] | None") -> "ReplayLog":
    from headrace.dead_letters.replay_log import replay_log
    from headrace.dead_letters.topic import committed
    from schemas.topics import DEAD_LETTER_REPLAYS

    with committed(endpoints.kafka, DEAD_LETTER_REPLAYS) as records:
        return replay_log(records.read(), only)
