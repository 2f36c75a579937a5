"""What values the recent past of a series makes usual."""

import math

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Column, Floats, SeriesColumns

COVERAGE = 0.99
"""Share of the readings that lie within their range."""

WARM = 200
_LEVEL = 0.2
_SPREAD = 0.01
_STEP = 0.05
_WILD = 10.0

COLUMNS = {
    "n": Column(0, np.int64),
    "level": Column(0.0),
    "spread": Column(0.0),
    "below": Column(0.0),
    "above": Column(0.0),
}


@compiled
def ranges(
    rows: Array, values: Array, low: Array, high: Array, n: Array, level: Array, spread: Array, below: Array,
    above: Array,
) -> None:  # fmt: skip
    """Write the range of each reading, as it was known before it came; then learn the reading."""
    missed = (1.0 - COVERAGE) / 2
    for place in range(len(rows)):
        row, value = rows[place], values[place]
        low[place], high[place] = np.nan, np.nan
        if not math.isfinite(value):
            continue
        i = n[row]
        n[row] = i + 1
        if i == 0:
            level[row] = value
            continue
        if i >= WARM:
            low[place], high[place] = level[row] - below[row], level[row] + above[row]
        off = value - level[row]
        if not abs(off) < 1e307:
            level[row] = value
            continue
        size = abs(off)
        if i >= WARM and spread[row] > 0.0:
            size = min(size, _WILD * spread[row])
        spread[row] += max(1.0 / i, _SPREAD) * (size - spread[row])
        # Long steps at first, so that both ends are where they belong when the range is first told.
        step = spread[row] * (_STEP if i >= WARM else _STEP * (1 + 10 * (WARM - i) / WARM))
        if i < 20:
            above[row], below[row] = max(above[row], off), max(below[row], -off)
        else:
            above[row] = max(0.0, above[row] + step * ((1.0 if off > above[row] else 0.0) - missed))
            below[row] = max(0.0, below[row] + step * ((1.0 if -off > below[row] else 0.0) - missed))
        level[row] += _LEVEL * off


class ExpectedRange:
    """A range around the weighted mean of the last readings, whose ends follow their shares of the readings.

    Each end moves away by a step when a reading lies beyond it and comes back by a two-hundredth of that otherwise: in
    the long run 99 % of the readings lie within, whatever the series is like [1]_.

    References
    ----------
    .. [1] I. Gibbs and E. Candes, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021.
    """

    def __init__(self) -> None:
        self.series = SeriesColumns(**COLUMNS)

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def follow(self, rows: Rows, values: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end for each reading, shape `(n,)`; NaN while a series is too young."""
        low, high = np.empty(len(rows)), np.empty(len(rows))
        ranges(rows, values, low, high, *(self.series[name] for name in COLUMNS))
        return low, high
