"""How often in a row a series repeats one value, and from when on it is stuck."""

from models.detectors.compiled import compiled
from models.detectors.extremes import (
    LEAST,
    LONGEST,
    REMEMBERED_MS,
    SHARE_OF_RATE,
    WEEK_MS,
    N,
    extreme_limit,
    learn_extreme,
)
from models.detectors.growable_arrays import Floats

USUAL = 0.0
"""How far a run is beyond its limit, while it is not."""

SHORTEST = 30
"""Readings of a run that may be a stuck series."""

_TIMES_USUAL = 4.0
_TIMES_SECOND = 2.0
_FOLLOWED = 5.0
"""Times its limit that a series must have been followed."""

_TIMES_LONGEST, _LEAST_LONGEST = 2.0, 5
"""A run that may explain what the detector says: so many times the longest before, and readings."""


@compiled
def follow_run(
    value: float, last: float, run: int, runs: Floats, n: int, interval: float, rate: float
) -> tuple[int, float]:
    """The length of the run with a reading, and by how many readings it is longer than it may be.

    Parameters
    ----------
    value, last
        The reading and the one before it, NaN for none.
    run
        Length of the run of the one before it.
    runs
        Of the runs that have ended (`extremes`).
    n, interval, rate
        Readings of the series, their mean distance in ms, and alerts of a week that it may have of all kinds.
    """
    if value != last:
        if run > 0:
            learn_extreme(runs, float(run), min(1.0, run * interval / REMEMBERED_MS))
        return 1, USUAL
    run = min(2**30, run + 1)
    if run < SHORTEST or runs[N] < LEAST:
        return run, USUAL
    probability = min(0.01, SHARE_OF_RATE * rate * n / runs[N] * max(interval, 1.0) / WEEK_MS)
    limit = extreme_limit(runs, probability, _TIMES_USUAL, _TIMES_SECOND)
    beyond: float = run - limit if n > _FOLLOWED * limit else USUAL
    return run, beyond


@compiled
def is_longest(run: int, runs: Floats) -> bool:
    """Whether a run is so much longer than those that have ended that it explains what is new."""
    return run >= _LEAST_LONGEST and runs[N] >= LEAST and run > _TIMES_LONGEST * runs[LONGEST]
