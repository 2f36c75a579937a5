"""Scores written out as the JSON of schemas.anomaly_score, in the Python worker.

Written here and not by SQL: behind an UNNEST, SQL takes a column of the batch by its index, and Flink copies the
whole column for each reading. In batches of a thousand that was 190 us of the JVM's CPU a reading; a text is 15 us.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from models.detectors import NO_EPISODE, Batch, ScoredBatch
from models.detectors.series_index import SeriesKey

DEVICE_FOLLOWS = "\x1f"
"""Between a record and its key. JSON escapes control characters, so the first one is this one."""


class ScoreRecords:
    """Writes the records of one detector."""

    def __init__(self, detector: str, detector_version: int) -> None:
        self._detector = f'"detector":{json.dumps(detector)},"detector_version":{detector_version}'
        self._series: dict[SeriesKey, tuple[str, str]] = {}

    def write(self, batch: Batch, item_counts: Sequence[int], scored: ScoredBatch) -> list[str]:
        """The new readings of `batch` with their scores, in the order they were scored: JSON, 0x1F, device."""
        return list(self._written(batch, item_counts, scored))

    def _written(self, batch: Batch, item_counts: Sequence[int], scored: ScoredBatch) -> Iterator[str]:
        order, detector = scored.index, self._detector
        columns = (
            batch.event_times[order], batch.values[order], batch.partitions[order], batch.offsets[order],
            batch.items[order], _finite(scored.scores), _finite(scored.thresholds), scored.is_anomaly, scored.episodes,
        )  # fmt: skip
        rows = zip(order.tolist(), *(column.tolist() for column in columns), strict=True)
        for place, time, value, partition, offset, item, score, threshold, flagged, episode in rows:
            begin, end = self._series.get(batch.keys[place]) or self._remember(batch.keys[place])
            in_episode = "" if episode == NO_EPISODE else f'"episode":{episode},'
            yield (
                f'{begin}{time},"value":{value!r},"score":{score!r},"threshold":{threshold!r},'
                f'"is_anomaly":{"true" if flagged else "false"},{in_episode}{detector},'
                f'"position":{{"topic":"telemetry.raw","partition":{partition},"offset":{offset},"item":{item},'
                f'"items":{item_counts[place]}}}}}{end}'
            )

    def _remember(self, series: SeriesKey) -> tuple[str, str]:
        """What a record of the series begins and ends with."""
        device, metric = series
        begin = f'{{"schema_version":1,"device":{json.dumps(device)},"metric":{json.dumps(metric)},"event_time":'
        self._series[series] = begin, DEVICE_FOLLOWS + device
        return self._series[series]


def _finite(column: Any) -> Any:
    """JSON has no NaN and no infinity; some River detectors have."""
    return np.nan_to_num(column, nan=0.0)
