"""The default detector for one series, as an estimator of River."""

from typing import Any

import numpy as np
from river.base import Estimator

from models.detectors.novelty.fleet import NoveltyFleet


class Novelty(Estimator):  # type: ignore[misc]
    """`NoveltyFleet` of one series, with the interface of River's detectors.

    The reading is the only feature. River scores and learns in two steps, the fleet in one: `score_one` asks a copy.

    Examples
    --------
    >>> detector = Novelty()
    >>> for value in np.sin(np.arange(600)):
    ...     detector.learn_one({"value": value})
    >>> detector.score_one({"value": 3.0}) > 2 > detector.score_one({"value": 0.5})
    True
    """

    def __init__(self) -> None:
        self._fleet = _of_one_series()

    def score_one(self, x: dict[str, float]) -> float:
        """The surprise of a reading in decades; NaN for the first 200."""
        copy = _of_one_series()
        copy.restore(self._fleet.snapshot())
        return float(copy.step(_ROW, _value(x))[0])

    def learn_one(self, x: dict[str, float]) -> None:
        """Learn a reading."""
        self._fleet.learn(_ROW, _value(x))


_ROW = np.zeros(1, np.int64)


def _of_one_series() -> NoveltyFleet:
    fleet = NoveltyFleet()
    fleet.grow(1)
    return fleet


def _value(x: dict[str, float]) -> Any:
    (value,) = x.values()
    return np.array([value], np.float64)
