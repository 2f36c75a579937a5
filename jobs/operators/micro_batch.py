"""What crosses the border between SQL and the scoring operator: the bytes of readings in, records out.

As one text and not as columns or an array: PyFlink's coders cost more for eight arrays than orjson for one text, an
array of bytes costs a conversion of each, and the JVM need not read the JSON at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from pyflink.common import Row, Types
from pyflink.table import DataTypes

from models.detectors import Batch
from models.gathered import LENGTH, cuts
from schemas.record import MOST_PARTITIONS
from schemas.topics import TELEMETRY_READINGS, UnreadableRecord, read_record

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())

GATHERED = DataTypes.ROW(
    [
        DataTypes.FIELD("bucket", DataTypes.INT()),
        DataTypes.FIELD("records", DataTypes.BYTES()),
        DataTypes.FIELD("lengths", DataTypes.BYTES()),
    ]
)
"""What GatherMicroBatches.java makes of values of telemetry.readings: a JSON array, and the length of each in it."""

MICRO_BATCH = Types.ROW([BYTES, BYTES])
"""The two last of these."""

SCORED = Types.ROW_NAMED(["keys", "records", "lengths"], [BYTES, BYTES, BYTES])
"""Those of the new readings, as ScatterRecords.java takes them: jobs/operators/score_records.py makes each."""

SCATTERED = DataTypes.ROW([DataTypes.FIELD("key", DataTypes.BYTES()), DataTypes.FIELD("record", DataTypes.BYTES())])

FIELDS = ("device", "metric", "event_time", "value", "position")
POSITION = ("partition", "offset", "item", "items")


@dataclass(frozen=True)
class MicroBatch:
    """Readings, and the records that they come from."""

    readings: Batch
    records: Sequence[Mapping[str, Any]]


def micro_batch(records: bytes, lengths: bytes) -> MicroBatch:
    """The readings among values of telemetry.readings, in their order.

    What is no reading is left out. Only a foreign producer writes such a value, and the stores, which read it as
    well, make a dead letter of it.

    Parameters
    ----------
    records
        The values as a JSON array, without a space that is not theirs.
    lengths
        The bytes of each, as big-endian integers of four bytes.

    Examples
    --------
    >>> value = b'{"device": "pump-1", "metric": "flow", "event_time": 1000, "value": 0.5, "position": %b}'
    >>> position = b'{"topic": "telemetry.raw", "partition": 0, "offset": 7, "item": 2, "items": 3}'
    >>> values = [value % position, value % b"null", b"no JSON"]
    >>> lengths = b"".join(len(value).to_bytes(4) for value in values)
    >>> found = micro_batch(b"[" + b",".join(values) + b"]", lengths)
    >>> found.readings.keys, found.readings.offsets, found.records[0]["position"]["items"]
    ([('pump-1', 'flow')], array([7]), 3)
    """
    try:
        return _all_of(orjson.loads(records), len(lengths) // LENGTH.itemsize)
    except (ValueError, KeyError, TypeError, OverflowError):
        readable = [record for cut in cuts(lengths) if (record := _record_or_none(records[cut]))]
        return _all_of(readable, len(readable))


def scored(records: Sequence[tuple[bytes, bytes]]) -> Row:
    """Keys and records, as the row that is scattered into them again.

    Examples
    --------
    >>> keys, records, lengths = scored([(b"pump-1", b"{}"), (b"pump-2", b"[]")])
    >>> keys, records, np.frombuffer(lengths, LENGTH).tolist()
    (b'pump-1pump-2', b'{}[]', [6, 2, 6, 2])
    """
    lengths = np.fromiter(map(len, chain.from_iterable(records)), LENGTH, 2 * len(records))
    return Row(*map(b"".join, zip(*records, strict=True)), lengths.tobytes())


def _all_of(records: Sequence[Mapping[str, Any]], n: int) -> MicroBatch:
    """Raises ValueError, KeyError, TypeError or OverflowError unless all are readings, and `n`."""
    if len(records) != n:
        raise ValueError("no readings")
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
    for column, most in ((batch.partitions, MOST_PARTITIONS - 1), (batch.offsets, 2**63 - 1), (batch.items, 2**31 - 1)):
        if n and not 0 <= column.min() <= column.max() <= most:
            raise ValueError("no position")
    return MicroBatch(batch, records)


def _columns(names: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
    return tuple(zip(*map(itemgetter(*names), records), strict=True)) or ((),) * len(names)


def _record_or_none(value: bytes) -> dict[str, Any] | None:
    try:
        return read_record(TELEMETRY_READINGS.name, value).model_dump()
    except UnreadableRecord:
        return None
