"""What `headrace dlq` prints: tables for the terminal, JSON for programs."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headrace.dead_letters.differences import differences
from headrace.dead_letters.replay_log import ReplayLog
from headrace.dead_letters.replay_target import DEAD_LETTER, NotReplayable, ReplayTarget, ToTopic
from headrace.dead_letters.replaying import PlannedChange, ReplayTally
from headrace.dead_letters.stored_dead_letter import StoredDeadLetter
from headrace.dead_letters.summary import Summary, sparkline
from headrace.dead_letters.terminal_text import block, one_line
from schemas.replay import Replay

MAX_GROUPS = 20
MAX_DIFFS = 3
CUT = ("device", "payload")
"""Columns that give way in a narrow window."""


def utc(ms: int) -> str:
    """Milliseconds since the epoch as a time.

    >>> utc(1719792000123)
    '2024-07-01 00:00:00Z'
    """
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def gone_sentence(gone: dict[int, int]) -> str:
    """What retention has removed: an upper bound, because transaction markers take offsets too.

    >>> gone_sentence({0: 12, 1: 0})
    'Retention has removed up to 12 dead letters: all before offset 12 of partition 0.'
    """
    left = {partition: first for partition, first in sorted(gone.items()) if first}
    if not left:
        return "No dead letter has left by retention."
    where = ", ".join(f"{first:,} of partition {partition}" for partition, first in left.items())
    return f"Retention has removed up to {sum(left.values()):,} dead letters: all before offset {where}."


def print_list(summary: Summary, gone: dict[int, int], log: ReplayLog, console: Console) -> None:
    """Groups with their course over time, then the newest dead letters."""
    if summary.dead_letters:
        console.print(_groups(summary, console.width))
    if summary.newest:
        console.print(_newest(summary, log, console.width))
    console.print(f"{summary.dead_letters:,} dead letters. {gone_sentence(gone)}", highlight=False, soft_wrap=True)


def _groups(summary: Summary, width: int) -> Table:
    rows = [
        (reason, _name(stage), _name(device), f"{group.dead_letters:,}", sparkline(group.over_time))
        for (reason, stage, device), group in summary.largest[:MAX_GROUPS]
    ]
    if (more := len(summary.groups) - MAX_GROUPS) > 0:
        rows.append((f"and {more:,} more groups", "", "", "", ""))
    title = f"{utc(summary.axis.start_ms)} to {utc(summary.axis.end_ms)}"
    return _table(title, ("reason", "stage", "device", "dead letters", "over time"), rows, width)


def _newest(summary: Summary, log: ReplayLog, width: int) -> Table:
    rows = [
        (str(row.id), utc(row.time_ms)[5:], row.reason, _name(row.device),
         f"{row.replays}, sent back" if row.id in log else str(row.replays), one_line(row.excerpt, 40))
        for row in summary.newest
    ]  # fmt: skip
    return _table("the newest", ("id", "since", "reason", "device", "replays", "payload"), rows, width)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Table:
    """In a narrow window devices and payloads are cut, and nothing else."""
    widths = {column: max(len(column), *(len(row[n]) for row in rows), 0) for n, column in enumerate(columns)}
    room = width - sum(each + 2 for column, each in widths.items() if column not in CUT)
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    for column in columns:
        if column in CUT:
            widths[column] = min(widths[column], max(8, room // sum(each in CUT for each in columns) - 2))
        table.add_column(column, no_wrap=True, overflow="ellipsis", width=widths[column])
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def list_as_json(summary: Summary, gone: dict[int, int], log: ReplayLog) -> dict[str, Any]:
    """The object of `dlq ls --json`. People script against its keys."""
    return {
        "dead_letters": summary.dead_letters,
        "gone_before_offset": {str(partition): first for partition, first in gone.items()},
        "from_ms": summary.axis.start_ms,
        "until_ms": summary.axis.end_ms,
        "groups": [
            {"reason": reason, "stage": stage, "device": device, "dead_letters": group.dead_letters,
             "newest_ms": group.newest_ms, "over_time": group.over_time}
            for (reason, stage, device), group in summary.largest
        ],
        "newest": [
            {"id": str(row.id), "time_ms": row.time_ms, "reason": row.reason, "stage": row.stage, "device": row.device,
             "detail": row.detail, "replays": row.replays, "size": row.size, "sent_back": len(log.get(row.id, ()))}
            for row in summary.newest
        ],
    }  # fmt: skip


def print_dead_letter(
    kept: StoredDeadLetter, target: ReplayTarget, replays: Sequence[Replay], console: Console
) -> None:
    """Everything that is known of a dead letter."""
    for name, value in _facts(kept, target, replays):
        if not value:
            continue
        console.print(f"[bold]{name:<14}[/] {escape(one_line(value, 1000))}", highlight=False, soft_wrap=True)
    if kept.dead_letter and kept.dead_letter.headers:
        console.print("[bold]headers[/]")
        for header, content in kept.dead_letter.headers.items():
            console.print(f"  {escape(one_line(header, 100))} = {escape(one_line(content, 300))}", highlight=False)
    console.print(f"[bold]payload[/] ({len(kept.payload):,} bytes)")
    console.print(block(kept.payload), markup=False, highlight=False, soft_wrap=True)


def _facts(kept: StoredDeadLetter, target: ReplayTarget, replays: Sequence[Replay]) -> list[tuple[str, str]]:
    facts = [("dead letter", f"{kept.id}, since {utc(kept.time_ms)}")]
    dead_letter = kept.dead_letter
    if dead_letter is None:
        facts.append(("unreadable", kept.unreadable or ""))
    else:
        at = dead_letter.position
        where = (
            f"{at.topic}[{at.partition}] offset {at.offset}, item {at.item} of {at.items}" if at else "the MQTT bridge"
        )
        facts += [
            ("reason", f"{dead_letter.reason.value}: {dead_letter.reason.meaning}"),
            ("detail", dead_letter.detail or ""),
            ("stage", dead_letter.stage), ("device", dead_letter.device or "none"), ("came from", where),
            ("first seen", utc(dead_letter.first_seen)),
            ("replays", _replays(dead_letter.replays, dead_letter.headers.get(DEAD_LETTER))),
        ]  # fmt: skip
    facts.append(
        ("replayable", f"no: {target.why}" if isinstance(target, NotReplayable) else f"to {target.destination}")
    )
    facts += [("sent back", _sent(each)) for each in replays] or [("sent back", "never")]
    return facts


def _replays(count: int, parent: bytes | None) -> str:
    return f"{count}, the replay of dead letter {parent.decode(errors='replace')}" if parent else str(count)


def _sent(replay: Replay) -> str:
    return f"{utc(replay.replayed_at)} to {replay.destination}" + (", edited" if replay.edited else "")


def dead_letter_as_json(kept: StoredDeadLetter, target: ReplayTarget, replays: Sequence[Replay]) -> dict[str, Any]:
    """The object of `dlq show --json`: the dead letter's own fields, bytes in base64, and what is known beside them."""
    fields = (
        kept.dead_letter.model_dump(mode="json")
        if kept.dead_letter
        else {"original": base64.b64encode(kept.value).decode()}
    )
    return {
        "id": str(kept.id),
        "time_ms": kept.time_ms,
        **fields,
        "meaning": kept.dead_letter.reason.meaning if kept.dead_letter else None,
        "unreadable": kept.unreadable,
        "replay_to": None if isinstance(target, NotReplayable) else target.destination,
        "not_replayable_because": target.why if isinstance(target, NotReplayable) else None,
        "sent_back": [each.model_dump(mode="json") for each in replays],
    }


def print_tally(tally: ReplayTally, sent: bool, with_dead_letters: bool, console: Console) -> None:
    """What was done, or would be; with the first dead letters and what is changed in them."""
    would = "Sent" if sent else "Would send"
    for destination, count in tally.sent.items():
        console.print(f"{would} {count:,} to {destination}", highlight=False)
    for number, change in enumerate(tally.first_changes if with_dead_letters else ()):
        console.print(f"  {change.kept.id}  {_what(change)}", highlight=False, soft_wrap=True)
        if change.replay.edited and isinstance(change.replay.target, ToTopic) and number < MAX_DIFFS:
            print_change(change.kept.payload, change.replay.target.value, console)
    for reason, count in tally.still_wrong.items():
        console.print(
            f"[yellow]{count:,} of them are still {reason} and would come back[/]: edit them with headrace dlq fix",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    for why, count in tally.refused.most_common():
        console.print(f"[red]✘[/] {count:,} not sent: {escape(one_line(why, 500))}", highlight=False, soft_wrap=True)
    if not tally.sent and not tally.refused:
        console.print("No dead letter matches.")


def _what(change: PlannedChange) -> str:
    payload = escape(one_line(change.kept.payload, 60))
    return f"{change.kept.reason}  {escape(_name(change.kept.device))}  {payload}"


def print_change(before: bytes, after: bytes, console: Console) -> None:
    """The change of one payload, as a diff."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in differences(before, after):
        console.print(line, style=colours.get(line[:1]), markup=False, highlight=False, soft_wrap=True)


def tally_as_json(tally: ReplayTally, sent: bool) -> dict[str, Any]:
    """The object of `dlq replay --json` and `dlq fix --json`."""
    return {
        "dry_run": not sent,
        "sent": dict(tally.sent),
        "still_wrong": dict(tally.still_wrong),
        "refused": dict(tally.refused),
        "first_dead_letters": [str(change.kept.id) for change in tally.first_changes],
        "first_refused": [{"id": str(id_), "why": why} for id_, why in tally.first_refused],
    }


def _name(text: str | None) -> str:
    return one_line(text, 40) if text is not None else "-"
