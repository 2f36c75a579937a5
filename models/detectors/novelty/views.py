"""Five small views of a series, and how surprising each is at a reading."""

import math

import numpy as np
import numpy.typing as npt

from models.detectors.compiled import compiled
from models.detectors.logarithm import ln
from models.detectors.novelty.dictionary import ROWS, nearest, remember
from models.detectors.novelty.scaling import LARGEST, UNIT
from models.detectors.novelty.surprise import BINS, surprise

VALUE, SHAPE, LEVEL, SLOW, DRIFT = range(5)
"""The reading; the last 8; it, mean and spread of 12; mean and spread of 48; its distance from a slow mean."""

DIMENSIONS = (1, 8, 3, 2, 1)
START = (0, 1 * ROWS, 9 * ROWS, 12 * ROWS, 14 * ROWS)
ALL_ROWS = sum(DIMENSIONS) * ROWS

_LATE = (8, 8, 12, 48, 8)
"""Readings after which a row is remembered, so that an event is not compared with its own beginning."""

_FIRST = (10, 8, 10, 10, 10)
_SKIP = 100
"""Readings of a series before its distances count: by then the dictionary has what is usual."""

HOLD = 3
"""A view's surprise is the largest of so many readings: views do not see an event at the same reading."""

_NEARLY = 0.8

PAST, WAITING = 64, 128
WAITING_LEVEL, WAITING_SLOW, WAITING_DRIFT = 0, 24, 120
SHORT, LONG = 12, 48
LEAST_SPREAD = 0.05
_SLOWEST = 1 / 200
_RADIUS = int(0.02 * UNIT) ** 2

Ints16 = npt.NDArray[np.int16]
Ints64 = npt.NDArray[np.int64]
Floats32 = npt.NDArray[np.float32]
Floats64 = npt.NDArray[np.float64]


@compiled
def _spread(total: int, squares: int, n: int) -> int:
    """The logarithm of a standard deviation, in steps."""
    variance = max(0.0, (squares * n - total * total) / (n * n))
    return math.floor(ln(math.sqrt(variance) / UNIT + LEAST_SPREAD) * UNIT + 0.5)


@compiled
def _mean(total: int, n: int) -> int:
    return math.floor(total / n + 0.5)


@compiled
def see(
    i: int, y: int, past: Ints16, waiting: Ints16, moments: Ints64, slow_mean: Floats64,
    steps: Ints16, n_rows: Ints16, radii: Ints64, counts: Floats32, held: Floats32,
) -> None:  # fmt: skip
    """Compare reading `i` of a series, scaled to `y`, with its past, and learn it; the surprises are in `held`.

    Parameters
    ----------
    past
        The last `PAST` readings, in a ring; shape `(PAST,)`.
    waiting
        Rows of the slower views that are not yet remembered; shape `(WAITING,)`.
    moments
        Sums and sums of squares of the last 12 and 48 readings; shape `(4,)`.
    slow_mean
        Shape `(1,)`, in steps.
    steps, n_rows, radii
        Dictionaries of the views; shapes `(ALL_ROWS,)`, `(5,)`, `(5,)`.
    counts
        Of the distances of the views; shape `(5 * BINS,)`.
    held
        The last `HOLD` surprises of the views; shape `(5 * HOLD,)`.
    """
    if i == 0:
        past[:] = y
        slow_mean[0] = y
    moments[0] += y
    moments[1] += y * y
    moments[2] += y
    moments[3] += y * y
    for place, window in ((0, SHORT), (2, LONG)):
        if i >= window:
            gone = int(past[(i - window) % PAST])
            moments[place] -= gone
            moments[place + 1] -= gone * gone
    past[i % PAST] = y
    now, old = np.empty(8, np.int16), np.empty(8, np.int16)
    for view in range(5):
        late, start = _LATE[view], START[view]
        dimensions = DIMENSIONS[view]
        if view == VALUE:
            now[0], old[0] = y, past[(i - late) % PAST]
        elif view == SHAPE:
            for t in range(8):
                now[t], old[t] = past[(i - t) % PAST], past[(i - late - t) % PAST]
        elif view == LEVEL:
            n, place = min(i + 1, SHORT), WAITING_LEVEL + 2 * (i % late)
            now[0], now[1], now[2] = y, _mean(moments[0], n), _spread(moments[0], moments[1], n)
            old[0], old[1], old[2] = past[(i - late) % PAST], waiting[place], waiting[place + 1]
            waiting[place], waiting[place + 1] = now[1], now[2]
        elif view == SLOW:
            n, place = min(i + 1, LONG), WAITING_SLOW + 2 * (i % late)
            now[0], now[1] = _mean(moments[2], n), _spread(moments[2], moments[3], n)
            old[0], old[1] = waiting[place], waiting[place + 1]
            waiting[place], waiting[place + 1] = now[0], now[1]
        else:
            place = WAITING_DRIFT + i % late
            now[0] = min(LARGEST, max(-LARGEST, math.floor(y - slow_mean[0] + 0.5)))
            old[0], waiting[place] = waiting[place], now[0]
            slow_mean[0] += max(1 / (i + 1), _SLOWEST) * (y - slow_mean[0])
        told = 0.0
        own = steps[start : start + dimensions * ROWS]
        if i - late >= _FIRST[view]:
            n_rows[view], radii[view] = remember(
                own, int(n_rows[view]), max(int(radii[view]), _RADIUS * dimensions), old[:dimensions]
            )
            if i >= _SKIP:
                distance = math.sqrt(nearest(own, int(n_rows[view]), now[:dimensions])) / UNIT
                told = surprise(counts[view * BINS : (view + 1) * BINS], distance)
        held[view * HOLD + i % HOLD] = told


@compiled
def score_of(held: Floats32) -> float:
    """The mean of the views' surprises, each the largest that is held."""
    total = 0.0
    for view in range(5):
        total += float(_largest(held, view))
    return total / 5


@compiled
def strangest(held: Floats32) -> int:
    """The view with the largest surprise; the reading itself when it is nearly the largest.

    A wild reading is new to every view, and which of them is surprised most is chance.
    """
    best = VALUE
    for view in range(1, 5):
        if _largest(held, view) > _largest(held, best):
            best = view
    return VALUE if _largest(held, VALUE) >= _NEARLY * _largest(held, best) else best


@compiled
def _largest(held: Floats32, view: int) -> float:
    largest = held[view * HOLD]
    for t in range(1, HOLD):
        largest = max(largest, held[view * HOLD + t])
    return float(largest)


@compiled
def is_of_spread(i: int, view: int, waiting: Ints16, steps: Ints16, n_rows: Ints16) -> bool:
    """Whether reading `i` is new to a view because of the spread and not because of the mean."""
    if view != LEVEL and view != SLOW:
        return False
    start = WAITING_LEVEL if view == LEVEL else WAITING_SLOW
    place = start + 2 * (i % _LATE[view])
    mean, spread = int(waiting[place]), int(waiting[place + 1])
    first = START[view] + (ROWS if view == LEVEL else 0)
    best, differs = -1, False
    for q in range(n_rows[view]):
        off, away = mean - int(steps[first + q]), spread - int(steps[first + ROWS + q])
        if best < 0 or off * off + away * away < best:
            best = off * off + away * away
            differs = away * away > off * off
    return differs
