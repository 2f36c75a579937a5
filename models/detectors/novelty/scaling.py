"""Readings as whole numbers on the scale of their series."""

import math

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.growable_arrays import Floats
from models.detectors.logarithm import asinh, exp

UNIT = 512
"""Steps of one unit, which is about one standard deviation of the series."""

LARGEST = 30_000
"""Of a scaled reading: 60 units, 10 ** 8 standard deviations. Differences fit in 32 bits, squares in 64."""

KNEE = 3.0
"""Up to so many deviations the scale is about linear, and logarithmic beyond."""


@compiled
def scale_of(values: Floats) -> tuple[float, float]:
    """Median and scale of readings of shape `(n,)`.

    The scale is the range from the 5th to the 95th percentile, in standard deviations of a normal distribution. Where
    that is nothing it is the standard deviation, and for a constant a thousandth of it.
    """
    ordered = np.sort(values)
    n = len(ordered)
    median = ordered[n // 2]
    scale = ordered[int(0.95 * (n - 1))] / 3.29 - ordered[int(0.05 * (n - 1))] / 3.29
    if scale <= 0.0:
        away = 0.0
        for value in ordered:  # from the largest distance, so that no square overflows
            away = max(away, abs(value / 2 - median / 2))
        total = 0.0
        if away > 0.0:
            for value in ordered:
                total += ((value / 2 - median / 2) / away) ** 2
            scale = 2.0 * away * math.sqrt(total / n)
    if scale <= 0.0:
        scale = abs(median) * 1e-3
    if not scale > 0.0:
        scale = 1.0
    return median, min(scale, 1e307)


@compiled
def scaled(value: float, median: float, scale: float) -> int:
    """A reading in steps of `1 / UNIT`."""
    away = (value / 2 - median / 2) / (scale / 2 * KNEE) if scale > 1e-300 else (value - median) / scale / KNEE
    if not abs(away) < 1e12:
        return LARGEST if away > 0.0 else -LARGEST
    return min(LARGEST, max(-LARGEST, math.floor(asinh(away) * KNEE * UNIT + 0.5)))


@compiled
def unscaled(steps: int, median: float, scale: float) -> float:
    """About the reading that `scaled` made `steps` of."""
    away = steps / UNIT / KNEE
    return median + scale * KNEE * (exp(away) - exp(-away)) / 2
