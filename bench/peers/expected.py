"""The scores of an undisturbed stream, made here and once for each detector."""

from functools import partial
from typing import Any, Protocol

import numpy as np

from bench.peers.comparison import Score
from bench.peers.programs.river_models import make, score_and_learn
from bench.peers.readings import BEGIN_MS, Readings
from models.detectors import Batch, Scorer

BATCH = 4_000


class Expected(Protocol):
    """The scores by the numbers of readings; it goes on where it stopped."""

    def scores(self, readings: Readings) -> list[Score]: ...


class OfRiver:
    """By River's own objects, as the peers make them."""

    def __init__(self, detector: str) -> None:
        self._make = partial(make, detector)
        self._models: list[Any] = []
        self._step = score_and_learn
        self._scores: list[Score] = []

    def scores(self, readings: Readings) -> list[Score]:
        self._models += [self._make() for _ in range(readings.series - len(self._models))]
        for number in range(len(self._scores), readings.count):
            self._scores.append(self._step(self._models[number % readings.series], readings.values[number].item()))
        return self._scores


class OfScorer:
    """By the class that the job score_anomalies runs."""

    def __init__(self, detector: str) -> None:
        self._scorer = Scorer(detector)
        self._scores: list[Score] = []

    def scores(self, readings: Readings) -> list[Score]:
        for start in range(len(self._scores), readings.count, BATCH):
            self._step(readings, np.arange(start, min(start + BATCH, readings.count)))
        return self._scores

    def _step(self, readings: Readings, numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        keys = [(readings.device(number), "temperature") for number in numbers.tolist()]
        zeros = np.zeros(len(numbers), np.int64)
        scored = self._scorer.step(Batch(keys, BEGIN_MS + numbers, readings.values[numbers], zeros, numbers, zeros))
        scores: list[Score] = [0.0] * len(numbers)
        for place, score in zip(scored.index.tolist(), scored.scores.tolist(), strict=True):
            scores[place] = None if np.isnan(score) else score
        self._scores += scores
