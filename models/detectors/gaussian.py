"""How far a reading lies from the mean of its series, in numpy, with River's scores."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.detectors.array_fleet import ArrayFleet
from models.detectors.fleet import Rows
from models.detectors.grouping import rounds
from models.detectors.growable_arrays import Column, Floats, SeriesColumns

NAME = "gaussian"


class GaussianFleet(ArrayFleet):
    """One `anomaly.GaussianScorer` of River a series, equal to it score for score.

    A series is 24 bytes: count, mean and sum of squared differences from the mean [1]_. The score of a reading is the
    share of a normal distribution with this mean and variance that lies nearer to the mean: 0 at it, towards 1 far off.

    Parameters
    ----------
    grace_period
        Readings of a series that get 0.

    References
    ----------
    .. [1] B. P. Welford, Note on a Method for Calculating Corrected Sums of Squares and Products, Technometrics 4(3),
       1962.

    Examples
    --------
    >>> fleet = GaussianFleet()
    >>> fleet.grow(1)
    >>> fleet.step(np.zeros(201, np.int64), np.append(np.sin(np.arange(200)), 3.0))[[50, -1]].round(5)
    array([0.     , 0.99998])
    """

    version = 2

    def __init__(self, grace_period: int = 100) -> None:
        self._grace_period = grace_period
        super().__init__(NAME, [grace_period], SeriesColumns(n=Column(0.0), mean=Column(0.0), squares=Column(0.0)))

    def step(self, rows: Rows, values: Floats) -> Floats:
        if len(rows) == 0:
            return np.empty(0)
        order, ends = rounds(rows)
        scores = np.empty(len(rows))
        scores[order] = self._scores(values[order], *self._learn(rows[order], values[order], ends))
        return scores

    def learn(self, rows: Rows, values: Floats) -> None:
        if len(rows):
            order, ends = rounds(rows)
            self._learn(rows[order], values[order], ends)

    def _learn(self, rows: Rows, values: Floats, ends: Sequence[int]) -> tuple[Floats, Floats, Floats]:
        """Count, mean and squares that stood before each reading, in rounds (`grouping`)."""
        before = np.empty((3, len(rows)))
        series = rows[: ends[0]]
        n, mean, squares = (self._series[name][series] for name in ("n", "mean", "squares"))
        with np.errstate(over="ignore", invalid="ignore"):  # at the ends of what a float holds, as in River
            for start, end in pairwise([0, *ends]):
                size = end - start
                before[:, start:end] = n[:size], mean[:size], squares[:size]
                n[:size] += 1.0
                off = values[start:end] - mean[:size]
                mean[:size] += 1.0 / n[:size] * off
                squares[:size] += off * (values[start:end] - mean[:size])
        self._series["n"][series], self._series["mean"][series], self._series["squares"][series] = n, mean, squares
        return before[0], before[1], before[2]

    def _scores(self, values: Floats, n: Floats, mean: Floats, squares: Floats) -> Floats:
        scores = np.zeros(len(values))
        ready = np.flatnonzero(n >= self._grace_period)
        variances = squares[ready] / np.maximum(n[ready] - 1, 1)
        # Python's power and error function, number by number: numpy has no erf, and other libraries round it otherwise.
        deviations = np.array([variance**0.5 for variance in variances.tolist()])
        with np.errstate(all="ignore"):
            away = (values[ready] - mean[ready]) / deviations / math.sqrt(2.0)
        shares = 0.5 * (1.0 + np.array([math.erf(each) for each in away.tolist()]))
        shares[deviations == 0.0] = 0.0
        scores[ready] = 2 * np.abs(shares - 0.5)
        return scores
