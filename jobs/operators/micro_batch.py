"""What crosses the border between SQL and the scoring operator: columns in, records out."""

from pyflink.common import Row, Types

from models.detectors import Batch

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())

# In the order of the ROW in jobs/score_anomalies.sql.
MICRO_BATCH = Types.ROW(
    [
        Types.OBJECT_ARRAY(Types.STRING()),  # devices
        Types.OBJECT_ARRAY(Types.STRING()),  # metrics
        Types.OBJECT_ARRAY(Types.LONG()),  # event times, ms
        Types.OBJECT_ARRAY(Types.DOUBLE()),  # values
        Types.OBJECT_ARRAY(Types.INT()),  # partitions
        Types.OBJECT_ARRAY(Types.LONG()),  # offsets
        Types.OBJECT_ARRAY(Types.INT()),  # items
        Types.OBJECT_ARRAY(Types.INT()),  # item counts
    ]
)

SCORED = Types.ROW_NAMED(["records"], [Types.OBJECT_ARRAY(Types.STRING())])
"""A text for each new reading: jobs/operators/score_records.py."""


def batch_of(row: Row) -> Batch:
    """The readings of one micro-batch."""
    devices, metrics, event_times, values, partitions, offsets, items, _ = row
    return Batch(list(zip(devices, metrics, strict=True)), event_times, values, partitions, offsets, items)
