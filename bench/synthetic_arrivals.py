"""Families of series that never fail, for the rate of false `missing`: seeded, when their readings arrive."""

from collections.abc import Callable

import numpy as np

from bench.synthetic_series import DAY_S, Random
from models.detectors.growable_arrays import Floats

Gaps = Callable[[Random, int], Floats]
"""Distances of so many readings, in mean distances, about."""


def regular(random: Random, n: int) -> Floats:
    return 1.0 + random.normal(0, 0.02, n)


def lossy(random: Random, n: int) -> Floats:
    return random.geometric(random.uniform(0.8, 0.99), n).astype(float)


def poisson(random: Random, n: int) -> Floats:
    return random.exponential(1.0, n)


def log_normal(random: Random, n: int) -> Floats:
    return random.lognormal(-0.5, 1.0, n)


def heavy(random: Random, n: int) -> Floats:
    """Pareto with three moments at most."""
    return (random.pareto(3.0, n) + 1.0) * 2 / 3


def bursts(random: Random, n: int) -> Floats:
    """Ten readings at once, behind a wait."""
    gaps: Floats = np.full(n, 0.001)
    gaps[::10] = random.uniform(8, 12, len(gaps[::10]))
    return gaps


def changes(random: Random, n: int) -> Floats:
    """A report at each change, and one when there has been none for a while."""
    return np.minimum(random.exponential(1.0, n), 3.0)


FAMILIES: dict[str, Gaps] = {
    "regular": regular,
    "lossy": lossy,
    "Poisson": poisson,
    "log-normal": log_normal,
    "Pareto(3)": heavy,
    "bursts": bursts,
    "on change": changes,
}


def arrivals_s(make: Gaps, random: Random, end_s: float, period_s: float, has_nights: bool = False) -> Floats:
    """When the readings of one series arrive, up to a time; with nights, eight hours of its day have none."""
    n = int(1.3 * end_s / period_s) + 100
    times = np.cumsum(make(random, n)) * period_s
    if has_nights:
        times = times[(times + random.uniform(0, DAY_S)) % DAY_S > DAY_S / 3]
    return times[times < end_s]
