"""How surprising a distance is among the earlier distances of the same view, in decades."""

import numpy as np
import numpy.typing as npt

from models.detectors.compiled import compiled
from models.detectors.logarithm import LOG10_E, ln

BINS = 48
LOW, HIGH = 1e-3, 30.0
EDGES = np.round(LOW * (HIGH / LOW) ** (np.arange(BINS + 1) / BINS), 12)
"""Of the bins, in units of the scale; the first one begins at 0. Rounded: powers differ between machines."""

_LOWER = np.append(0.0, EDGES[1:-1])
_MIDDLE = (EDGES[:-1] + EDGES[1:]) / 2
PER_BIN = ln(HIGH / LOW) / BINS

BURN = 100
"""Distances before the first surprise."""

TAIL = 0.1
"""Share of the distances that make the tail."""

GATE = 3.0
"""A more surprising distance is learned as one that is as surprising as this."""

MOST = 10_000.0
"""Distances that count; then all counts are halved, and older ones fade."""

_LEAST_EXCESS = 0.3, 0.2

Counts = npt.NDArray[np.float32]


@compiled
def bin_of(distance: float) -> int:
    """The bin that a distance falls into."""
    if distance <= LOW:
        return 0
    return min(BINS - 1, max(0, int(ln(distance / LOW) / PER_BIN)))


@compiled
def surprise(counts: Counts, distance: float) -> float:
    """-log10 of the share of earlier distances that were larger; then learn the distance.

    Above the upper tenth the tail is an exponential one with their mean excess, so there is no largest surprise.
    """
    total = 0.0
    for b in range(BINS):
        total += float(counts[b])
    told: float = 0.0
    learned = distance
    if total >= BURN:
        wanted = max(8.0, TAIL * total)
        above, b = 0.0, BINS - 1
        while b > 0 and above + float(counts[b]) < wanted:
            above += float(counts[b])
            b -= 1
        part = min(1.0, (wanted - above) / float(counts[b])) if counts[b] > 0 else 0.0
        limit = EDGES[b + 1] - part * (EDGES[b + 1] - _LOWER[b])
        excess = part * float(counts[b]) * ((limit + EDGES[b + 1]) / 2 - limit)
        for j in range(b + 1, BINS):
            excess += float(counts[j]) * (_MIDDLE[j] - limit)
        excess = max(excess / wanted, _LEAST_EXCESS[0] * limit + _LEAST_EXCESS[1])
        if distance > limit:
            share = LOG10_E * ln((wanted + 1.0) / (total + 1.0))
            told = (distance - limit) / excess * LOG10_E - share
            if told > GATE:
                learned = max(limit, limit + excess * (GATE + share) / LOG10_E)
        else:
            told = -LOG10_E * ln((_larger(counts, distance) + 1.0) / (total + 1.0))
    counts[bin_of(learned)] += 1.0
    if total >= MOST:
        for b in range(BINS):
            counts[b] *= 0.5
    return told if told > 0.0 else 0.0


@compiled
def _larger(counts: Counts, distance: float) -> float:
    larger, b = 0.0, BINS - 1
    while b > 0 and EDGES[b] >= distance:
        larger += float(counts[b])
        b -= 1
    part: float = (EDGES[b + 1] - distance) / (EDGES[b + 1] - _LOWER[b])
    return larger + min(1.0, max(0.0, part)) * float(counts[b])
