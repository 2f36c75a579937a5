"""Scores written out as the JSON of schemas.anomaly_score, in the Python worker.

Written here and not by SQL: behind an UNNEST, SQL takes a column of the batch by its index, and Flink copies the
whole column for each reading. In batches of a thousand that was 190 us of the JVM's CPU a reading.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from jobs.operators.micro_batch import MicroBatch
from models.detectors import NO_EPISODE, ScoredBatch
from schemas.anomaly_score import AnomalyScore

VERSION = AnomalyScore.SCHEMA_VERSION


class ScoreRecords:
    """Writes the records of one detector."""

    def __init__(self, detector: str, detector_version: int) -> None:
        self._detector = detector
        self._detector_version = detector_version

    def write(self, came: MicroBatch, scored: ScoredBatch) -> list[tuple[bytes, bytes]]:
        """The new readings of `came` with their scores, in the order they were scored: device and JSON of each."""
        return list(self._written(came, scored))

    def _written(self, came: MicroBatch, scored: ScoredBatch) -> Iterator[tuple[bytes, bytes]]:
        columns = (_finite(scored.scores), _finite(scored.thresholds), scored.is_anomaly, scored.episodes)
        rows = zip(scored.index.tolist(), *(column.tolist() for column in columns), strict=True)
        for place, score, threshold, is_anomaly, episode in rows:
            reading = came.records[place]
            device = reading["device"]
            record = {
                "schema_version": VERSION, "device": device, "metric": reading["metric"],
                "event_time": reading["event_time"], "value": reading["value"], "score": score, "threshold": threshold,
                "is_anomaly": is_anomaly, "detector": self._detector, "detector_version": self._detector_version,
                "position": reading["position"],
            }  # fmt: skip
            if episode != NO_EPISODE:
                record["episode"] = episode
            yield device.encode(), orjson.dumps(record)


def _finite(column: Any) -> Any:
    """JSON has no NaN and no infinity; some River detectors have."""
    return np.nan_to_num(column, nan=0.0)
