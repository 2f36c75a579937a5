"""What crosses the border between SQL and the scoring operator: the bytes of readings in, records out.

As bytes and not as columns: PyFlink's coders cost more for eight arrays than orjson for one text, and the JVM need
not read the JSON at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from pyflink.common import Types

from models.detectors import Batch
from schemas.record import MOST_PARTITIONS
from schemas.topics import TELEMETRY_READINGS, UnreadableRecord, read_record

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())

MICRO_BATCH = Types.ROW([Types.OBJECT_ARRAY(BYTES)])
"""Values of telemetry.readings: the ROW in jobs/score_anomalies.sql."""

SCORED = Types.ROW_NAMED(["records"], [Types.OBJECT_ARRAY(Types.STRING())])
"""A text for each new reading: jobs/operators/score_records.py."""


@dataclass(frozen=True)
class MicroBatch:
    """Readings, and the records that they come from."""

    readings: Batch
    records: Sequence[Mapping[str, Any]]


def micro_batch(values: Sequence[bytes]) -> MicroBatch:
    """The readings among some values of telemetry.readings, in their order.

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
        return _all_of(orjson.loads(b"[" + b",".join(values) + b"]"), len(values))
    except (ValueError, KeyError, TypeError, OverflowError):
        records = [record for value in values if (record := _record_or_none(value))]
        return _all_of(records, len(records))


def _all_of(records: Sequence[Mapping[str, Any]], n: int) -> MicroBatch:
    """Raises ValueError, KeyError, TypeError or OverflowError unless all are readings, and `n`."""
    keys = [(record["device"], record["metric"]) for record in records]
    positions = [record["position"] for record in records]
    batch = Batch(
        keys,
        _integers(record["event_time"] for record in records),
        np.array([record["value"] for record in records], np.float64),
        _integers(position["partition"] for position in positions),
        _integers(position["offset"] for position in positions),
        _integers(position["item"] for position in positions),
    )
    named = all(type(device) is type(metric) is str for device, metric in keys)
    if len(records) != n or not named or not np.isfinite(batch.values).all():
        raise ValueError("no readings")
    for column, most in ((batch.partitions, MOST_PARTITIONS - 1), (batch.offsets, 2**63 - 1), (batch.items, 2**31 - 1)):
        if n and not 0 <= column.min() <= column.max() <= most:
            raise ValueError("no position")
    _integers(position["items"] for position in positions)
    return MicroBatch(batch, records)


def _integers(numbers: Any) -> Any:
    column = np.array(list(numbers))
    if len(column) and column.dtype.kind != "i":
        raise TypeError("no integers")
    return column.astype(np.int64)


def _record_or_none(value: bytes) -> dict[str, Any] | None:
    try:
        return read_record(TELEMETRY_READINGS.name, value).model_dump()
    except UnreadableRecord:
        return None
