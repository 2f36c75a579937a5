"""A new scale after a change of level or spread that has lasted, without forgetting what was learned on the old one."""

import math

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.logarithm import exp, ln
from models.detectors.novelty.dictionary import ROWS
from models.detectors.novelty.scaling import LARGEST, UNIT, scaled, unscaled
from models.detectors.novelty.surprise import BINS, PER_BIN
from models.detectors.novelty.views import (
    LEAST_SPREAD,
    LONG,
    PAST,
    SHORT,
    START,
    WAITING_DRIFT,
    Floats32,
    Floats64,
    Ints16,
    Ints64,
)

LATELY = 128
"""Readings, far apart, that tell where a series has been of late."""

_LEAST_STRIDE, _LARGEST_STRIDE = 17, 1350
"""Between two of them; else a 512th of the series' age. So they are a quarter of its life,
or two days at one a second."""

_FAR = 6 * UNIT
"""Distance of the median, about 10 deviations, from which on the scale is too coarse there."""

_WIDER, _NARROWER = 4.0, 0.25


@compiled
def stride(i: int) -> int:
    """How many readings of a series of age `i` lie between two that are noted."""
    return min(_LARGEST_STRIDE, max(_LEAST_STRIDE, i // 512))


@compiled
def scale_of_late(lately: Ints16, median: float, scale: float) -> tuple[bool, float, float]:
    """Whether a new scale is due, and its median and scale. Between old and new there is room: no flapping.

    The spread is that of the calmer half, the median that of the later one: a change falls into one half at most.
    """
    earlier, later = np.sort(lately[: LATELY // 2]), np.sort(lately[LATELY // 2 :])
    middle = int(later[LATELY // 4])
    spread = min(_spread_of(earlier, median, scale), _spread_of(later, median, scale))
    is_due = abs(middle) > _FAR or not _NARROWER <= spread / scale <= _WIDER
    new = unscaled(middle, median, scale)
    return is_due and math.isfinite(new) and 0.0 < spread < 1e307, new, spread


@compiled
def _spread_of(ordered: Ints16, median: float, scale: float) -> float:
    """In the unit of the readings. What is constant has the old one: only where it is can have changed."""
    low, high = int(ordered[len(ordered) // 20]), int(ordered[len(ordered) - 1 - len(ordered) // 20])
    if high == low:
        return scale
    return (unscaled(high, median, scale) - unscaled(low, median, scale)) / 3.29


@compiled
def _moved(y: int, median: float, scale: float, new_median: float, new_scale: float) -> int:
    return scaled(unscaled(y, median, scale), new_median, new_scale)


@compiled
def _stretched(y: int, median: float, scale: float, new_median: float, new_scale: float) -> float:
    """By how much small distances around `y` grow."""
    low = _moved(y - 64, median, scale, new_median, new_scale)
    high = _moved(y + 64, median, scale, new_median, new_scale)
    return max(high - low, 1) / 128


@compiled
def _spread_times(spread: int, factor: float) -> int:
    """A logarithm of a deviation, in steps, after distances have grown."""
    deviation = max(0.0, exp(spread / UNIT) - LEAST_SPREAD) * factor
    return min(LARGEST, math.floor(ln(deviation + LEAST_SPREAD) * UNIT + 0.5))


@compiled
def rescale(
    i: int, median: float, scale: float, new_median: float, new_scale: float,
    past: Ints16, waiting: Ints16, moments: Ints64, slow_mean: Floats64, steps: Ints16, n_rows: Ints16, radii: Ints64,
    counts: Floats32,
) -> None:  # fmt: skip
    """Bring what is kept of a series to a new scale; see `views.see`.

    Values, means and shapes are moved one by one. Spreads and distances grow as small distances around them do.
    """
    here = _stretched(int(past[i % PAST]), median, scale, new_median, new_scale)
    for t in range(PAST):
        past[t] = _moved(int(past[t]), median, scale, new_median, new_scale)
    slow_mean[0] = float(_moved(math.floor(slow_mean[0] + 0.5), median, scale, new_median, new_scale))
    for place, window in ((0, SHORT), (2, LONG)):
        moments[place], moments[place + 1] = 0, 0
        for t in range(min(i + 1, window)):
            y = int(past[(i - t) % PAST])
            moments[place] += y
            moments[place + 1] += y * y
    for t in range(0, WAITING_DRIFT, 2):  # pairs of a mean and a spread, of both views
        factor = _stretched(int(waiting[t]), median, scale, new_median, new_scale)
        waiting[t + 1] = _spread_times(int(waiting[t + 1]), factor)
        waiting[t] = _moved(int(waiting[t]), median, scale, new_median, new_scale)
    for t in range(WAITING_DRIFT, WAITING_DRIFT + 8):
        waiting[t] = _times(int(waiting[t]), here)
    for block in range(15):  # a coordinate of all rows of a view
        first = block * ROWS
        view, coordinate = _view_of(block)
        for q in range(n_rows[view]):
            y = int(steps[first + q])
            if view == 4:
                steps[first + q] = _times(y, here)
            elif (view == 2 and coordinate == 2) or (view == 3 and coordinate == 1):
                continue  # with the mean before it
            else:
                if (view == 2 and coordinate == 1) or (view == 3 and coordinate == 0):
                    factor = _stretched(y, median, scale, new_median, new_scale)
                    steps[first + ROWS + q] = _spread_times(int(steps[first + ROWS + q]), factor)
                steps[first + q] = _moved(y, median, scale, new_median, new_scale)
    radii[:] = 0
    shift = math.floor(ln(here) / PER_BIN + 0.5)
    for view in range(5):
        _shift(counts[view * BINS : (view + 1) * BINS], shift)


@compiled
def _times(y: int, factor: float) -> int:
    return min(LARGEST, max(-LARGEST, math.floor(y * factor + 0.5)))


@compiled
def _view_of(block: int) -> tuple[int, int]:
    view = 0
    while view < 4 and START[view + 1] <= block * ROWS:
        view += 1
    return view, block - START[view] // ROWS


@compiled
def _shift(counts: Floats32, shift: int) -> None:
    """Move counts by bins; what would leave stays in the last one."""
    moved = np.zeros(BINS, np.float32)
    for b in range(BINS):
        moved[min(BINS - 1, max(0, b + shift))] += counts[b]
    counts[:] = moved
