"""Sources and previews for the terminal, and as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from headrace.sources.preview import Preview
from schemas.place import LOGIN
from schemas.source import Source
from schemas.sources import Sources

CHANGED = "{file} has changed since it was applied"


def print_sources(sources: Sources, file: Path, exists: bool, console: Console) -> None:
    """The sources in their order, with what names their devices."""
    where = str(file) if exists else f"the default source, because there is no {file}"
    console.print(f"Sources of {where}" if exists else f"Sources: {where}", markup=False)
    table = _table("source", "topic filters", "codec", "preset", "device", "key")
    for source in sources.sources:
        key = "topic" if source.payload_names_device else "device"
        filters = escape("\n".join(source.topic))
        table.add_row(source.name, filters, source.codec, source.preset or "", escape(device_of(source)), key)
    console.print(table)


def _table(*columns: str) -> Table:
    """A table that goes on in the next line where the terminal is too narrow: nothing in it is cut off."""
    return Table(*(Column(each, overflow="fold") for each in columns), box=None)


def device_of(source: Source) -> str:
    """Where a source has its devices from."""
    if source.device_template is not None:
        return "the login" if f"{{{LOGIN}}}" in source.device_template else f"{source.device_template} of the topic"
    return f"{source.device or source.devices or 'a field'} of the payload"


def sources_as_json(sources: Sources, file: Path, exists: bool, has_changed: bool) -> dict[str, Any]:
    """What `ls --json` prints: where the sources come from, whether they are applied, and every field of them."""
    declared = [source.model_dump(mode="json", exclude_defaults=True) for source in sources.sources]
    return {"file": str(file) if exists else None, "changed_since_applied": has_changed, "sources": declared}


def print_preview(found: Preview, console: Console) -> None:
    """The readings of one message, then what is rejected."""
    console.print(f"{found.topic}: {_verdict(found)}", markup=False)
    if found.readings:
        table = _table("device", "metric", "value", "unit", "event time", "sequence")
        for each in found.readings:
            shown = (each.device, each.metric, f"{each.value:.12g}", each.unit or "", _time(each.event_time))
            table.add_row(*map(escape, shown), "" if each.sequence is None else str(each.sequence))
        console.print(table)
    for rejection in found.rejections:
        console.print(f"  rejected: {rejection.reason}  {rejection.detail or ''}", style="red", markup=False)


def preview_as_json(found: Preview) -> dict[str, Any]:
    """What `test --json` prints of one message."""
    return {
        "topic": found.topic,
        "source": found.source and found.source.name,
        "key": found.key,
        "readings": [
            {name: value for name, value in msgspec.to_builtins(each).items() if name not in _OF_RECORDS}
            for each in found.readings
        ],
        "rejections": [{"reason": each.reason, "detail": each.detail} for each in found.rejections],
        "ignored": found.ignored.reason if found.ignored else None,
    }


_OF_RECORDS = ("position", "schema_version")


def _verdict(found: Preview) -> str:
    if found.source is None:
        return "passed over by a source's `ignore`" if found.passed_over else "no source reads this topic"
    if found.ignored is not None:
        return f"source {found.source.name}, ignored: {found.ignored.detail or found.ignored.reason}"
    counts = (_count(len(found.readings), "reading"), _count(len(found.rejections), "rejection"))
    return f"source {found.source.name}, {', '.join(counts)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def summary_of(previews: Sequence[Preview]) -> str:
    """Of several messages: how many of them, and what they became."""
    readings, rejections = (sum(len(getattr(each, name)) for each in previews) for name in ("readings", "rejections"))
    return f"{_count(len(previews), 'message')}: {_count(readings, 'reading')}, {_count(rejections, 'rejection')}"
