"""What crosses the border between SQL and Python's operators: frames of bytes (flink/framing.py); and readings in them.

The JVM need not read the JSON at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from pyflink.common import Row, Types

from flink import framing
from models.detectors import Batch
from schemas.record import MAX_PARTITIONS
from schemas.topics import TELEMETRY_READINGS, UnreadableRecord, read_record

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())

SCORED = Types.ROW_NAMED(["frame"], [BYTES])
"""Keys and records for `flink.micro_batch.scatter`."""

ANSWERS = Types.ROW_NAMED(["are_dead_letters", "frame"], [Types.BOOLEAN(), BYTES])
"""Keys and records of results, or of dead letters, for `flink.micro_batch.scatter`."""

FIELDS = ("device", "metric", "event_time", "value", "position")
POSITION = ("partition", "offset", "item", "items")


@dataclass(frozen=True)
class MicroBatch:
    """Readings, and the records that they come from."""

    readings: Batch
    records: Sequence[Mapping[str, Any]]


def micro_batch(values: Sequence[bytes | None]) -> MicroBatch:
    """The readings among values of telemetry.readings, in their order.

    What is no reading is left out. Only a foreign producer writes such a value, and the stores, which read it as
    well, make a dead letter of it.

    Examples
    --------
    >>> value = b'{"device": "pump-1", "metric": "flow", "event_time": 1000, "value": 0.5, "position": %b}'
    >>> position = b'{"topic": "telemetry.raw", "partition": 0, "offset": 7, "item": 2, "items": 3}'
    >>> found = micro_batch([value % position, value % b"null", b"no JSON"])
    >>> found.readings.keys, found.readings.offsets, found.records[0]["position"]["items"]
    ([('pump-1', 'flow')], array([7]), 3)
    """
    try:
        return _all_of([orjson.loads(value or b"") for value in values])
    except (ValueError, KeyError, TypeError, OverflowError):
        return _all_of([record for value in values if (record := _record_or_none(value))])


def scored(records: Sequence[tuple[bytes, bytes]]) -> Row:
    """Keys and records, as the row that is scattered into them again."""
    return Row(framing.encode(records))


def _all_of(records: Sequence[Mapping[str, Any]]) -> MicroBatch:
    """The micro-batch, when all records are readings.

    Raises
    ------
    ValueError, KeyError, TypeError or OverflowError
        When one of them is not.
    """
    n = len(records)
    # Column by column in C: a loop over the records costs twice as much as orjson's reading of them.
    devices, metrics, event_times, values, positions = _columns(FIELDS, records)
    partitions, offsets, items, n_items = _columns(POSITION, positions)
    integers = (event_times, partitions, offsets, items, n_items)
    for columns, kinds in (((devices, metrics), {str}), ((values,), {float, int}), (integers, {int})):
        if not set(chain.from_iterable(map(type, column) for column in columns)) <= kinds:
            raise TypeError("no readings")
    batch = Batch(
        list(zip(devices, metrics, strict=True)),
        np.fromiter(event_times, np.int64, n),
        np.fromiter(values, np.float64, n),
        *(np.fromiter(column, np.int64, n) for column in (partitions, offsets, items)),
    )
    if not np.isfinite(batch.values).all():
        raise ValueError("no readings")
    for column, most in ((batch.partitions, MAX_PARTITIONS - 1), (batch.offsets, 2**63 - 1), (batch.items, 2**31 - 1)):
        if n and not 0 <= column.min() <= column.max() <= most:
            raise ValueError("no position")
    return MicroBatch(batch, records)


def _columns(names: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
    return tuple(zip(*map(itemgetter(*names), records), strict=True)) or ((),) * len(names)


def _record_or_none(value: bytes | None) -> dict[str, Any] | None:
    try:
        return read_record(TELEMETRY_READINGS.name, value).model_dump()
    except UnreadableRecord:
        return None
