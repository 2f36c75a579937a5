"""Test vectors of presets, decoded by the same code as live messages."""

import math
from collections.abc import Iterator

from headrace.sources.preview import Preview, preview
from payload_codecs.valid_reading import ValidReading
from schemas.presets import Preset, Vector, preset, preset_fields
from schemas.source import Source
from schemas.sources import Sources

ARRIVED_MS = 1_796_083_200_000
"""2026-12-01T00:00:00Z: when the messages of all vectors arrive."""


def failures(name: str, of: Preset | None = None) -> Iterator[str]:
    """Each vector of a preset that becomes something else than it says, with both.

    Parameters
    ----------
    of
        In place of the preset of that name.
    """
    sources = Sources([Source(**preset_fields(name))])
    for vector in (of or preset(name)).vector:
        found = preview(sources, vector.topic, vector.payload_bytes, ARRIVED_MS, vector.login)
        if (got := _got(found)) != (expected := _expected(vector)):
            yield f"{name}, {vector.name}: expected {expected}, got {got}"


def _expected(vector: Vector) -> dict[str, object]:
    readings = [tuple(each) if len(each) == 5 else (*each, ARRIVED_MS) for each in vector.readings]
    return {
        "readings": [(device, metric, _rounded(value), unit, time) for device, metric, value, unit, time in readings],
        "rejections": list(vector.rejections),
        "ignored": vector.ignored,
        "unread": vector.unread,
    }


def _got(found: Preview) -> dict[str, object]:
    return {
        "readings": [_row(reading) for reading in found.readings],
        "rejections": [rejection.reason for rejection in found.rejections],
        "ignored": found.ignored.reason if found.ignored else None,
        "unread": found.source is None,
    }


def _row(reading: ValidReading) -> tuple[str, str, float, str, int]:
    return reading.device, reading.metric, _rounded(reading.value), reading.unit or "", reading.event_time


def _rounded(value: float) -> float:
    """To 12 digits: conversions of units are floating-point arithmetic."""
    return value if value == 0 else round(value, 11 - math.floor(math.log10(abs(value))))
