"""`headrace dlq`: list, show, edit and replay dead letters."""

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

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.endpoints import Endpoints, StackSettings
    from headrace.dead_letters.edit import PayloadEdit
    from headrace.dead_letters.filters import Filters
    from headrace.dead_letters.replay_log import ReplayLog
    from headrace.dead_letters.replaying import Choice, ReplayTally
    from headrace.dead_letters.stored_dead_letter import DeadLetterId, StoredDeadLetter
    from headrace.dead_letters.topic import DeadLetterReader

WHICH_PANEL, EDIT_PANEL, SEND_PANEL = "Which dead letters", "How to edit", "Sending"


def _reasons(incomplete: str) -> list[str]:
    from headrace.dead_letters.stored_dead_letter import UNREADABLE
    from schemas.reject_reasons import RejectReason

    return [reason for reason in (*RejectReason, UNREADABLE) if reason.startswith(incomplete)]


Reasons = Annotated[
    list[str] | None,
    typer.Option(
        "--reason",
        metavar="REASON",
        help="Only those with this reason (docs/reference/reject_reasons.md), or `unreadable`. May be repeated.",
        show_default="any",
        autocompletion=_reasons,
        rich_help_panel=WHICH_PANEL,
    ),
]
Stages = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="Only those that this stage refused, such as `clean_telemetry`. May be repeated.",
        show_default="any",
        rich_help_panel=WHICH_PANEL,
    ),
]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Only those of this device. May be repeated.",
        show_default="any",
        rich_help_panel=WHICH_PANEL,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Only those from this moment on: `30m`, `2h` or `7d` ago, or an ISO 8601 time (UTC).",
        show_default="from the oldest",
        rich_help_panel=WHICH_PANEL,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Only those before this moment, written as for `--since`.",
        show_default="to the newest",
        rich_help_panel=WHICH_PANEL,
    ),
]
One = Annotated[
    str,
    typer.Argument(metavar="ID", help="The dead letter, as partition:offset, such as `2:1734` (`headrace dlq ls`)."),
]
Some = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Dead letters, each as partition:offset, such as `2:1734` (`headrace dlq ls`).",
        show_default="those of the filters",
    ),
]
All = Annotated[bool, typer.Option("--all", help="All dead letters, without a filter.", rich_help_panel=WHICH_PANEL)]
Yes = Annotated[
    bool,
    typer.Option("--yes", help="Send. Without it, only show what would be sent.", rich_help_panel=SEND_PANEL),
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Include dead letters that were replayed before.", rich_help_panel=SEND_PANEL),
]
AsDevice = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE",
        help="Device to send as, for dead letters that name none.",
        show_default="none",
        rich_help_panel=SEND_PANEL,
    ),
]

dlq = noun("List, show, edit and replay dead letters: records that a stage refused.")


@dlq.command()
def ls(
    reason: Reasons = None,
    stage: Stages = None,
    device: Devices = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=10_000, help="How many of the newest dead letters to list.")
    ] = 20,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Count dead letters by reason, stage and device over time, and list the newest.

    Example: `headrace dlq ls --since 2h --reason bad_value`
    """
    from headrace.dead_letters import dead_letter_tables
    from headrace.dead_letters.filters import Filters
    from headrace.dead_letters.summary import Summary, TimeAxis

    filters = Filters.of(reason, stage, device, since, until)
    endpoints = _endpoints(home, port_offset)
    with _reader(endpoints) as reader:
        now_ms = time.time_ns() // 10**6
        start_ms = filters.since_ms if filters.since_ms is not None else reader.first_ms() or now_ms
        summary = Summary(TimeAxis(start_ms, min(now_ms, filters.until_ms or now_ms)), limit)
        for kept in reader.read(filters):
            summary.add(kept)
        gone = reader.gone()
    log = _log(endpoints, [row.id for row in summary.newest])
    if as_json:
        print(json.dumps(dead_letter_tables.list_as_json(summary, gone, log), indent=2))
    else:
        dead_letter_tables.print_list(summary, gone, log, _console())


@dlq.command()
def show(
    dead_letter: One,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write only the payload, byte for byte, to standard output.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Show one dead letter: payload, headers, reason, origin, and whether it was replayed.

    Example: `headrace dlq show 2:1734`
    """
    from connectors.mqtt_bridge.settings import BridgeSettings
    from headrace.dead_letters import dead_letter_tables
    from headrace.dead_letters.replay_target import replay_target
    from headrace.dead_letters.stored_dead_letter import DeadLetterId

    id_, endpoints = DeadLetterId.parse(dead_letter), _endpoints(home, port_offset)
    with _reader(endpoints) as reader:
        kept = reader.one(id_)
    if raw:
        sys.stdout.buffer.write(kept.payload)
        return
    target = replay_target(kept, BridgeSettings().max_payload_bytes)
    replays = _log(endpoints, [kept.id]).get(kept.id, [])
    if as_json:
        print(json.dumps(dead_letter_tables.dead_letter_as_json(kept, target, replays), indent=2))
    else:
        dead_letter_tables.print_dead_letter(kept, target, replays, _console())


@dlq.command()
def replay(
    dead_letters: Some = None,
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
    """Replay dead letters to the topic that their stage reads. Without `--yes`, only show what would be sent.

    Key, headers and event time stay the same; the header `replays` is increased. Dead letters that were replayed
    before are left out unless `--again` is given.

    Example: `headrace dlq replay --reason no_device --as-device dev-1 --yes`
    """
    selection = _selection(dead_letters, reason, stage, device, since, until, all_)
    _ReplayRun(selection, _stack_settings(home, port_offset), again, as_device).do(yes, as_json)


@dlq.command()
def fix(
    dead_letters: Some = None,
    edit: Annotated[
        bool,
        typer.Option(
            "--edit", help="Edit in $EDITOR. This is the default for a single ID.", rich_help_panel=EDIT_PANEL
        ),
    ] = False,
    jq: Annotated[
        str | None,
        typer.Option(
            metavar="FILTER",
            help="Edit with a jq filter, such as `.ts *= 1000`.",
            show_default="none",
            rich_help_panel=EDIT_PANEL,
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="EXPRESSION",
            help="Edit with a Python expression over `payload`, such as `payload | {'value': 21.4}`.",
            show_default="none",
            rich_help_panel=EDIT_PANEL,
        ),
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
    """Edit payloads, show the difference, and replay them as `headrace dlq replay` does.

    The dead letter itself stays unchanged in its topic; the message that is sent refers to it. `--python` runs the
    given code with your rights.

    Example: `headrace dlq fix --reason ts_out_of_range --jq '.ts *= 1000' --yes`
    """
    selection = _selection(dead_letters, reason, stage, device, since, until, all_)
    if sum((edit, jq is not None, python is not None)) > 1:
        raise typer.BadParameter("give only one of --edit, --jq and --python")
    if jq is None and python is None and (selection.ids is None or len(selection.ids) != 1):
        raise typer.BadParameter("the editor takes one ID; for several dead letters give --jq or --python")
    work = _ReplayRun(selection, _stack_settings(home, port_offset), again, as_device, _payload_edit(jq, python))
    work.do(yes, as_json, ask=jq is None and python is None)


@dataclass(frozen=True)
class _Selection:
    """The dead letters of these identifiers, else those of the filters."""

    ids: "list[DeadLetterId] | None"
    filters: "Filters"

    def read(self, reader: "DeadLetterReader") -> "Iterator[StoredDeadLetter]":
        if self.ids is None:
            return reader.read(self.filters)
        return (reader.one(id_) for id_ in self.ids)


@dataclass(frozen=True)
class _ReplayRun:
    """Of `replay` and `fix`: the same dead letters rehearsed, then sent."""

    selection: _Selection
    stack_settings: "StackSettings"
    again: bool
    as_device: str | None
    edit: "PayloadEdit | None" = None

    @property
    def endpoints(self) -> "Endpoints":
        from connectors.endpoints import Endpoints

        return Endpoints.load(self.stack_settings)

    def do(self, yes: bool, as_json: bool, ask: bool = False) -> None:
        tally = self._run() if yes else self._rehearse()
        self._report(tally, yes, as_json, with_dead_letters=not yes or self.edit is not None)
        if not yes and tally.sent and not as_json:
            if ask and sys.stdin.isatty() and typer.confirm("Send it?"):
                tally = self._run()
                self._report(tally, True, as_json, with_dead_letters=False)
            else:
                print("Nothing was sent. To send it, run the same command with --yes")
        if self.selection.ids is not None and tally.refused:
            raise typer.Exit(1)

    def _rehearse(self) -> "ReplayTally":
        from headrace.dead_letters.replaying import rehearse

        with _reader(self.endpoints) as reader:
            return rehearse(self.selection.read(reader), self._choice())

    def _run(self) -> "ReplayTally":
        from headrace.dead_letters.replay_producer import replay_producer
        from headrace.dead_letters.replaying import run

        # The log is read after the producer has opened: from there on nobody else sends.
        with replay_producer(self.endpoints) as out, _reader(self.endpoints) as reader:
            return run(self.selection.read(reader), self._choice(), out)

    def _choice(self) -> "Choice":
        from connectors.mqtt_bridge.settings import BridgeSettings
        from headrace.dead_letters.replaying import Choice
        from headrace.dead_letters.validation import PayloadValidation
        from schemas.sources_file import load_sources

        validation = PayloadValidation(load_sources(self.stack_settings.sources_file).sources)
        log = _log(self.endpoints, self.selection.ids)
        largest = BridgeSettings().max_payload_bytes
        return Choice(log, largest, time.time_ns() // 10**6, self.again, self.as_device, self.edit, validation)

    def _report(self, tally: "ReplayTally", sent: bool, as_json: bool, with_dead_letters: bool) -> None:
        from headrace.dead_letters import dead_letter_tables

        if as_json:
            print(json.dumps(dead_letter_tables.tally_as_json(tally, sent), indent=2))
        else:
            dead_letter_tables.print_tally(tally, sent, with_dead_letters, _console())


def _selection(
    ids: list[str] | None,
    reasons: list[str] | None,
    stages: list[str] | None,
    devices: list[str] | None,
    since: str | None,
    until: str | None,
    all_: bool,
) -> _Selection:
    from headrace.dead_letters.filters import Filters
    from headrace.dead_letters.stored_dead_letter import DeadLetterId

    filters = Filters.of(reasons, stages, devices, since, until)
    if bool(ids) + (not filters.lets_everything_through) + all_ != 1:
        raise typer.BadParameter("name the dead letters: IDs, or filters such as --reason, or --all")
    return _Selection([DeadLetterId.parse(each) for each in dict.fromkeys(ids)] if ids else None, filters)


def _payload_edit(jq: str | None, python: str | None) -> "PayloadEdit":
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

    return Endpoints.load(_stack_settings(home, port_offset))


def _stack_settings(home: Path | None, port_offset: int | None) -> "StackSettings":
    from stack.layout import Layout

    return Layout.of(home, port_offset).settings


@contextlib.contextmanager
def _reader(endpoints: "Endpoints") -> "Iterator[DeadLetterReader]":
    from headrace.dead_letters.topic import DeadLetterReader, committed

    with committed(endpoints.kafka) as records:
        yield DeadLetterReader(records)


def _log(endpoints: "Endpoints", only: "list[DeadLetterId] | None") -> "ReplayLog":
    from headrace.dead_letters.replay_log import replay_log
    from headrace.dead_letters.topic import committed
    from schemas.topics import DEAD_LETTER_REPLAYS

    with committed(endpoints.kafka, DEAD_LETTER_REPLAYS) as records:
        return replay_log(records.read(), only)
