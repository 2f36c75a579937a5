"""How large a quantity of a series becomes as rarely as asked for: the distance of two arrivals, the length of a run.

The upper tenth of what has been is taken for the tail of a Weibull distribution [1]_: the quantile is followed by
steps, and the mean of the logarithms above it gives the shape. Gaps of regular series, of Poisson arrivals and of
bursts have such tails with shapes near 0, 1 and above 1. What was seen twice in eight weeks is usual in any case, so a
pause each night is learned in two nights, and one failure changes hardly anything.

References
----------
.. [1] J. Beirlant, C. Bouquiaux and B. Werker, Semiparametric lower bounds for tail index estimation, Journal of
   Statistical Planning and Inference 136(3), 2006: the mean excess of logarithms of Weibull tails.
"""

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.growable_arrays import Column, Floats
from models.detectors.logarithm import exp, ln

N, HIGH, EXCESS, LONGEST, SECOND = range(5)
"""Numbers of a series: how many quantities, the logarithm of the upper tenth's end, the mean of the logarithms above
it, and the two largest, fading."""

EXTREMES = Column(0.0, np.float64, 5)

WEEK_MS = 7 * 24 * 3600 * 1000

SHARE_OF_RATE = 0.25
"""Of the alerts of a series, for those that are made by such a limit: they come on top of those of its values."""

LEAST = 30
"""Quantities of a series before it has a limit."""

SHARE = 0.1
"""Of the quantities that make the tail."""

REMEMBERED_MS = 8.0 * WEEK_MS
"""Time in which one of the two largest fades to 1 / e."""

_STEP = 0.01
_MEMORY = 10_000.0
_YOUTH = 150.0
"""Quantities at which the shape is taken as twice what was found: the error of a shape makes alerts, on the average."""

_FARTHEST = 6.0
"""Times the second largest: a shape that was found where a quantity has two sizes, as in bursts, leads anywhere."""

_LN_SHARE = 2.302585092994046
_EXPONENTIAL = 0.3240
"""Mean excess of logarithms above the upper tenth of an exponential distribution, whose shape is 1: 10 E1(ln 10)."""


@compiled
def learn_extreme(entry: Floats, x: float, fade: float) -> None:
    """Learn a quantity of a series, above 0.

    Parameters
    ----------
    entry
        The numbers of the series; shape `(5,)`.
    x
        1 or more.
    fade
        Share that the two largest lose.
    """
    size = ln(x)
    n = entry[N] + 1.0
    entry[N] = n
    if n == 1.0:
        entry[HIGH] = size
    over = size - entry[HIGH]
    share = max(1.0 / n, 1.0 / _MEMORY)
    entry[EXCESS] += share * (max(0.0, over) / SHARE - entry[EXCESS])
    entry[HIGH] += max(2.0 / n, _STEP) * ((1.0 if over > 0.0 else 0.0) - SHARE)
    keep = max(0.0, 1.0 - fade)
    entry[LONGEST] *= keep
    entry[SECOND] *= keep
    if x >= entry[LONGEST]:
        entry[SECOND] = entry[LONGEST]
        entry[LONGEST] = x
    elif x > entry[SECOND]:
        entry[SECOND] = x


@compiled
def extreme_limit(entry: Floats, probability: float, times_high: float, times_second: float) -> float:
    """The quantity that is exceeded with this probability, about.

    Parameters
    ----------
    entry
        As for `learn_extreme`.
    probability
        Above 0.
    times_high, times_second
        The limit is at least so many times the upper tenth's end, and the second largest.
    """
    n = min(entry[N], _MEMORY)
    shape = entry[EXCESS] / _EXPONENTIAL * (1.0 + _YOUTH / max(n, 1.0))
    decades = max(_LN_SHARE, -ln(probability))
    far = exp(entry[HIGH] + shape * ln(decades / _LN_SHARE))
    far = min(far, _FARTHEST * entry[SECOND])
    limit: float = max(far, times_high * exp(entry[HIGH]), times_second * entry[SECOND])
    return limit
