"""The score above which a reading is an anomaly, for each series by itself."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.detectors.fleet import Rows
from models.detectors.grouping import rounds
from models.detectors.growable_arrays import Column, Flags, Floats, SeriesColumns
from models.detectors.surprise import score_at, surprise_of

UNREACHABLE = float(np.finfo(np.float64).max)
"""The threshold of a series that is still warming up. Finite, because JSON knows no infinity."""


class AdaptiveThreshold:
    """Exponentially weighted mean plus `n_deviations` deviations of a series' earlier scores [1]_.

    The threshold of a reading is known before the reading is judged. A score above it counts as the
    threshold itself when it is learned [2]_: one wild score does not blind the series, and a level that
    has changed for good is accepted after some hundred readings. Non-finite scores are neither flagged
    nor learned.

    Scores that are bounded by 1 crowd below it, where no mean plus deviations fits; these are weighed by
    their surprise (see `surprise`) and the threshold is brought back to the detector's scale.

    Parameters
    ----------
    bounded
        Whether the detector's scores end at 1.
    grace
        Readings of a series that its detector does not score yet; they are not learned.
    warm_up
        Scores a series must have learned before anything is flagged.
    memory
        Readings after which an old score counts 1/e.
    n_deviations
        Distance of the threshold from the mean.

    References
    ----------
    .. [1] S. W. Roberts, Control Chart Tests Based on Geometric Moving Averages, Technometrics 1(3), 1959;
       the weighted variance is that of T. Finch, Incremental calculation of weighted mean and variance, 2009.
    .. [2] S. Gelper, R. Fried and C. Croux, Robust forecasting with exponential and Holt-Winters smoothing,
       Journal of Forecasting 29(3), 2010.

    Examples
    --------
    >>> threshold = AdaptiveThreshold(bounded=False, warm_up=100)
    >>> threshold.grow(1)
    >>> scores = np.append(np.sin(np.arange(200)), [1.0, 9.0])
    >>> thresholds, flagged = threshold.judge(np.zeros(202, np.int64), scores)
    >>> np.flatnonzero(flagged)
    array([201])
    >>> thresholds[-1].round(1)
    np.float64(3.5)
    """

    def __init__(
        self,
        *,
        bounded: bool,
        grace: int = 0,
        warm_up: int = 250,
        memory: int = 500,
        n_deviations: float = 5.0,
    ) -> None:
        self._bounded = bounded
        self._grace = grace
        self._ready = grace + warm_up
        self._least_weight = 1.0 / memory
        self._n_deviations = n_deviations
        self.series = SeriesColumns(n_seen=Column(0, np.int64), mean=Column(0.0), variance=Column(0.0))

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def judge(self, rows: Rows, scores: Floats) -> tuple[Floats, Flags]:
        """The threshold of each reading and whether its score is above it; then learn the scores.

        Parameters
        ----------
        rows, scores
            Shape `(n,)`; readings of one series in order.

        Returns
        -------
        thresholds, flagged
            Shape `(n,)` each.
        """
        if len(rows) == 0:
            return np.empty(0), np.empty(0, np.bool_)
        order, ends = rounds(rows)
        rows, scores = rows[order], scores[order]
        finite = np.isfinite(scores)
        if not finite.all():
            scores = np.where(finite, scores, 0.0)
        seen = self._count(rows, finite, ends)
        warm = seen >= self._ready
        learned = finite & (seen >= self._grace)
        # Equal weights until `memory` readings are there, so that the first score is not held on to.
        weights = np.maximum(1.0 / np.maximum(seen - self._grace + 1, 1), self._least_weight)
        surprises = surprise_of(scores) if self._bounded else scores
        limits = self._learn(rows, surprises, warm, np.where(learned, weights, 0.0), ends)
        thresholds, flagged = np.empty(len(rows)), np.empty(len(rows), np.bool_)
        thresholds[order] = judged = np.where(warm, score_at(limits) if self._bounded else limits, UNREACHABLE)
        flagged[order] = finite & (scores > judged)
        return thresholds, flagged

    def _count(self, rows: Rows, finite: Flags, ends: Sequence[int]) -> Rows:
        """How many scores of its series stood before each one; then count these as well."""
        seen = np.empty(len(rows), np.int64)
        n_seen = self.series["n_seen"][rows[: ends[0]]]
        for start, end in pairwise([0, *ends]):
            seen[start:end] = n_seen[: end - start]
            n_seen[: end - start] += finite[start:end]
        self.series["n_seen"][rows[: ends[0]]] = n_seen
        return seen

    def _learn(self, rows: Rows, scores: Floats, warm: Flags, weights: Floats, ends: Sequence[int]) -> Floats:
        """The limit before each score, in rounds: the only part in which a score waits for the one before it."""
        limits = np.empty(len(rows))
        all_warm = warm.all()
        kept = 1.0 - weights
        series = rows[: ends[0]]
        means, variances = self.series["mean"][series], self.series["variance"][series]
        for start, end in pairwise([0, *ends]):
            mean, variance, weight = means[: end - start], variances[: end - start], weights[start:end]
            # A score that never moved has no deviation: a hundredth of it keeps rounding from being an alert.
            deviation = np.maximum(np.sqrt(variance), 0.01 * np.abs(mean))
            limits[start:end] = limit = mean + self._n_deviations * deviation
            cap = limit if all_warm else np.where(warm[start:end], limit, np.inf)
            step = np.minimum(scores[start:end], cap) - mean
            weighted = weight * step
            mean += weighted
            variance += weighted * step
            variance *= kept[start:end]
        self.series["mean"][series], self.series["variance"][series] = means, variances
        return limits
