"""What crosses the border between SQL and the scoring operator: arrays of one length, one for each column."""

import numpy as np
from pyflink.common import Row, Types

from models.detectors import NO_EPISODE, Batch, ScoredBatch

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

SCORED = Types.ROW_NAMED(
    [
        "devices", "metrics", "event_times", "reading_values", "partitions", "offsets", "items", "item_counts",
        "scores", "thresholds", "flags", "episodes",
    ],
    [
        *MICRO_BATCH.get_field_types(),
        Types.OBJECT_ARRAY(Types.DOUBLE()),
        Types.OBJECT_ARRAY(Types.DOUBLE()),
        Types.OBJECT_ARRAY(Types.BOOLEAN()),
        Types.OBJECT_ARRAY(Types.LONG()),
    ],
)  # fmt: skip


def batch_of(row: Row) -> Batch:
    """The readings of one micro-batch."""
    devices, metrics, event_times, values, partitions, offsets, items, _ = row
    return Batch(list(zip(devices, metrics, strict=True)), event_times, values, partitions, offsets, items)


def columns_of(row: Row, batch: Batch, scored: ScoredBatch) -> Row:
    """The new readings of `row` with their scores, in the order they were scored."""
    order = scored.index.tolist()
    inputs = row if order == list(range(len(batch))) else ([column[i] for i in order] for column in row)
    # JSON has no NaN and no infinity; some River detectors have.
    scores = np.nan_to_num(scored.scores, nan=0.0)
    episodes = [None if episode == NO_EPISODE else episode for episode in scored.episodes.tolist()]
    return Row(*inputs, scores.tolist(), scored.thresholds.tolist(), scored.is_anomaly.tolist(), episodes)
