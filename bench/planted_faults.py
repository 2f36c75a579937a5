"""Series with one fault of each kind, for the question which kind an alert is said to be: seeded."""

from collections.abc import Callable

import numpy as np

from bench.synthetic_series import FAMILIES, Random
from models.detectors.growable_arrays import Floats
from schemas.anomaly_kind import AnomalyKind

BASES = ("Gaussian", "AR(1)", "daily")

Fault = Callable[[Random, Floats, int, float], None]
"""Changes a series from a place on, by its spread."""


def spike(random: Random, values: Floats, at: int, spread: float) -> None:
    values[at] += spread * random.uniform(10, 30)


def level(random: Random, values: Floats, at: int, spread: float) -> None:
    values[at:] += spread * random.uniform(6, 12)


def variance(random: Random, values: Floats, at: int, spread: float) -> None:
    end = at + 400
    values[at:end] += random.normal(0, 4 * spread, len(values[at:end]))


def shape(random: Random, values: Floats, at: int, spread: float) -> None:
    """As high and as wide as ever, but swinging."""
    end = at + 200
    mean = values[at - 200 : at].mean()
    values[at:end] = mean + spread * 1.4 * np.where(np.arange(end - at) % 2, 1.0, -1.0)


def stuck(random: Random, values: Floats, at: int, spread: float) -> None:
    values[at : at + 400] = values[at]


def drift(random: Random, values: Floats, at: int, spread: float) -> None:
    values[at:] += np.minimum(np.arange(len(values) - at) / 300, 1.0) * 10 * spread


FAULTS: dict[AnomalyKind, Fault] = {
    AnomalyKind.SPIKE: spike,
    AnomalyKind.LEVEL: level,
    AnomalyKind.VARIANCE: variance,
    AnomalyKind.SHAPE: shape,
    AnomalyKind.STUCK: stuck,
    AnomalyKind.DRIFT: drift,
}


def faulty(base: str, fault: AnomalyKind, seed: int, n: int, at: int, period_s: float) -> Floats:
    """A series of a family of `bench/synthetic_series.py` with a fault from reading `at` on."""
    random = np.random.default_rng([seed, int(fault)])
    values = FAMILIES[base](random, n, period_s)
    FAULTS[fault](random, values, at, float(np.std(np.diff(values[:at]))) / 2**0.5)
    return values
