"""Scores written out as the JSON of schemas.anomaly_score, in the Python worker.

Written here and not by SQL: behind an UNNEST, SQL takes a column of the batch by its index, and Flink copies the
whole column for each reading. In batches of a thousand that was 190 us of the JVM's CPU a reading.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from jobs.operators.micro_batch import MicroBatch
from models.detectors import NO_EPISODE, MissingSeries, ScoredBatch
from schemas.anomaly_explanation import explanation, explanation_of_silence
from schemas.anomaly_kind import AnomalyKind
from schemas.anomaly_score import AnomalyScore

VERSION = AnomalyScore.SCHEMA_VERSION
LABELS = {kind.value: kind.label for kind in AnomalyKind}

CLOCK, CLOCK_VERSION = "clock", 1
"""Detector of records of missing series. Its name keeps them apart from those of readings of the same time."""


class ScoreRecords:
    """Writes the records of one detector."""

    def __init__(self, detector: str, detector_version: int) -> None:
        self._detector = detector
        self._detector_version = detector_version

    def write(self, came: MicroBatch, scored: ScoredBatch) -> list[tuple[bytes, bytes]]:
        """The new readings of `came` with their scores, in the order they were scored: device and JSON of each."""
        return list(self._written(came, scored))

    def write_missing(self, missing: MissingSeries) -> list[tuple[bytes, bytes]]:
        """The alert of each series: device and JSON."""
        columns = (missing.overdue_at, missing.usual_ms, missing.silent_ms)
        rows = zip(missing.keys, *(column.tolist() for column in columns), strict=True)
        return [
            (device.encode(), _of_silence(device, metric, overdue_at, explanation_of_silence(silent_ms, usual_ms)))
            for (device, metric), overdue_at, usual_ms, silent_ms in rows
        ]

    def _written(self, came: MicroBatch, scored: ScoredBatch) -> Iterator[tuple[bytes, bytes]]:
        numbers = (scored.scores, scored.thresholds, scored.expected_low, scored.expected_high)
        of_alerts = (scored.raises, scored.groups, scored.over_budget)
        columns = (*map(_bounded, numbers), scored.is_anomaly, scored.episodes, scored.kinds, *of_alerts)
        rows = zip(scored.index.tolist(), *(column.tolist() for column in columns), strict=True)
        for place, score, threshold, low, high, is_anomaly, episode, kind, raised, group, over_budget in rows:
            reading = came.records[place]
            device = reading["device"]
            record = {
                "schema_version": VERSION, "device": device, "metric": reading["metric"],
                "event_time": reading["event_time"], "value": reading["value"], "is_anomaly": is_anomaly,
                "detector": self._detector, "detector_version": self._detector_version,
                "position": reading["position"],
            }  # fmt: skip
            known = ("score", score), ("threshold", threshold), ("expected_low", low), ("expected_high", high)
            record.update((name, number) for name, number in known if not math.isnan(number))
            if episode != NO_EPISODE:
                record |= _of_episode(reading, low, high, is_anomaly, episode, kind)
            if raised:
                record["threshold_raise"] = math.exp(raised)
            if group != NO_EPISODE:
                record |= {"group": group} | ({"over_budget": True} if over_budget else {})
            yield device.encode(), orjson.dumps(record)


def _of_silence(device: str, metric: str, overdue_at: int, sentence: str) -> bytes:
    return orjson.dumps({
        "schema_version": VERSION, "device": device, "metric": metric, "event_time": overdue_at, "is_anomaly": True,
        "episode": overdue_at, "detector": CLOCK, "detector_version": CLOCK_VERSION,
        "kind": AnomalyKind.MISSING.label, "explanation": sentence,
    })  # fmt: skip


def _of_episode(reading: Any, low: float, high: float, is_anomaly: bool, episode: int, kind: int) -> dict[str, Any]:
    """Fields that only readings of an episode have; the sentence stands at its alert."""
    found: dict[str, Any] = {"episode": episode}
    if kind:
        found["kind"] = LABELS[kind]
    if is_anomaly and episode == reading["event_time"]:
        sentence = explanation(reading["value"], low, high, kind)
        if sentence is not None:
            found["explanation"] = sentence
    return found


def _bounded(column: Any) -> Any:
    """JSON has no infinity; some River detectors have. NaN stays: the field is left out."""
    return np.nan_to_num(column, nan=np.nan)
