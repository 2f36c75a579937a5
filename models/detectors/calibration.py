"""Scores of any detector as surprises, in decades, of the series' own earlier scores."""

import math

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Column, Floats, SeriesColumns
from models.detectors.novelty.surprise import BINS, surprise
from models.detectors.surprise import surprise_of

_MEMORY = 500.0
_LEARNING = 50
_WILD = 8.0
"""Deviations that a score counts as at most when the usual score is learned."""

COLUMNS = {
    "n": Column(0, np.int64),
    "mean": Column(0.0),
    "variance": Column(0.0),
    "counts": Column(0.0, np.float32, BINS),
}


@compiled
def calibrate(
    rows: Array, scores: Array, surprises: Array, grace: int, burn: int, n: Array, mean: Array, variance: Array,
    counts: Array,
) -> None:  # fmt: skip
    """Write the surprise of each score, NaN for the first ones of a series; then learn it."""
    for place in range(len(rows)):
        row, score = rows[place], scores[place]
        surprises[place] = np.nan
        if not math.isfinite(score):
            continue
        n[row] += 1
        seen = n[row] - grace
        if seen <= 0:
            continue
        off = score - mean[row]
        deviation = max(math.sqrt(variance[row]), 0.01 * abs(mean[row]))
        if seen > _LEARNING:
            away = off / deviation if deviation > 0.0 else (0.0 if off == 0.0 else math.copysign(_WILD, off))
            told = surprise(counts[row], max(0.0, min(away, 1e6)))
            if seen > burn:
                surprises[place] = told
            off = min(max(off, -_WILD * deviation), _WILD * deviation) if deviation > 0.0 else off
        share = max(1.0 / seen, 1.0 / _MEMORY)
        mean[row] += share * off
        moved = (1.0 - share) * (variance[row] + share * off * off)
        variance[row] = moved if math.isfinite(moved) else variance[row]


class Calibration:
    """What the scores of each series usually are.

    A score is measured from the series' mean score in deviations, of an exponentially weighted past; its surprise is
    that of a distance (`novelty.surprise`). So any scale of scores becomes the one scale that the decision knows.

    Parameters
    ----------
    bounded
        Whether the detector's scores end at 1, below which they crowd; these are taken as bits first.
    grace
        Readings of a series before its scores mean anything.
    """

    def __init__(self, bounded: bool, grace: int, burn: int = 200) -> None:
        self._bounded, self._grace, self._burn = bounded, grace, burn
        self.series = SeriesColumns(**COLUMNS)

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def surprises(self, rows: Rows, scores: Floats) -> Floats:
        """The surprise of each score, shape `(n,)`; NaN for a series that is still too young."""
        raw = surprise_of(scores) if self._bounded else scores
        surprises = np.empty(len(rows))
        calibrate(rows, raw, surprises, self._grace, self._burn, *(self.series[name] for name in COLUMNS))
        return surprises
