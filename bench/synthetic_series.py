"""Families of series without anomalies, for the rate of alerts: seeded, one reading each period."""

from collections.abc import Callable

import numpy as np

from models.detectors.growable_arrays import Floats

DAY_S = 86_400.0

Random = np.random.Generator
Family = Callable[[Random, int, float], Floats]
"""Readings of one series from a generator, how many, and the seconds between two of them."""


def gaussian(random: Random, n: int, _: float) -> Floats:
    return random.normal(20.0, 2.0, n)


def autoregressive(random: Random, n: int, _: float) -> Floats:
    return 20.0 + 2.0 * _filtered(random.normal(size=n), random.uniform(0.6, 0.95))


def student(random: Random, n: int, _: float) -> Floats:
    return 20.0 + random.standard_t(3, n)


def log_normal(random: Random, n: int, _: float) -> Floats:
    return np.exp(random.normal(1.0, 0.7, n))


def poisson(random: Random, n: int, _: float) -> Floats:
    return random.poisson(random.uniform(2, 20), n).astype(float)


def daily(random: Random, n: int, period_s: float) -> Floats:
    return 20.0 + 5.0 * np.sin(_day(n, period_s) + random.uniform(0, 6)) + random.normal(0, 1, n)


def drifting(random: Random, n: int, _: float) -> Floats:
    return 20.0 + np.linspace(0, random.uniform(3, 10), n) + random.normal(0, 1, n)


def walk(random: Random, n: int, _: float) -> Floats:
    return np.cumsum(random.normal(0, 0.3, n))


def rounded(random: Random, n: int, _: float) -> Floats:
    return np.round(random.normal(20.0, 1.0, n))


def binary(random: Random, n: int, _: float) -> Floats:
    return (random.random(n) < random.uniform(0.1, 0.5)).astype(float)


def constant(random: Random, n: int, _: float) -> Floats:
    return np.full(n, random.normal(20.0, 5.0))


FAMILIES: dict[str, Family] = {
    "Gaussian": gaussian,
    "AR(1)": autoregressive,
    "Student t(3)": student,
    "log-normal": log_normal,
    "Poisson": poisson,
    "daily": daily,
    "drift": drifting,
    "random walk": walk,
    "rounded": rounded,
    "binary": binary,
    "constant": constant,
}


def _day(n: int, period_s: float) -> Floats:
    phase: Floats = np.arange(n, dtype=np.float64) * (period_s / DAY_S * 2 * np.pi)
    return phase


def _filtered(noise: Floats, weight: float) -> Floats:
    """An autoregression of order 1 with variance 1."""
    values, last = np.empty(len(noise)), 0.0
    spread = (1 - weight**2) ** 0.5
    for place, each in enumerate(noise.tolist()):
        values[place] = last = weight * last + spread * each
    return values
