"""What would come of every threshold, in one sort of the scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from bench.nab.scoring import NO_WINDOW, Marks, Outcome, Score
from models.detectors.growable_arrays import Floats, Integers

NO_ALERT = np.inf
"""A threshold that no score reaches: scores of infinity count as the highest finite number."""

_HIGHEST = float(np.finfo(np.float64).max)
_COLUMNS = ("credit", "n_found", "penalty", "n_false")


@dataclass(frozen=True)
class Steps:
    """By how much the outcome on a series, or several, changes where the threshold sinks to a score.

    Parameters
    ----------
    thresholds
        Shape `(n,)`, in any order.
    changes
        Shape `(n, 4)`: of credit, windows found, penalty, false alerts.
    n_windows
        Windows that could be found.
    """

    thresholds: Floats
    changes: Floats
    n_windows: int


def per_reading(scores: Floats, marked: Marks) -> Steps:
    """Each reading whose score reaches the threshold is an alert: the benchmark's own way.

    Parameters
    ----------
    scores
        Shape `(n,)`; NaN where a reading has none.
    """
    places, finite = _scored(scores, marked)
    places = places[np.lexsort((-finite[places], marked.windows[places]))]
    windows, worth = marked.windows[places], marked.worth[places]
    inside = windows != NO_WINDOW
    changes = np.zeros((len(places), len(_COLUMNS)))
    changes[~inside, 2], changes[~inside, 3] = worth[~inside], 1.0
    for start, end in _runs(windows[inside]):
        best = np.maximum.accumulate(worth[inside][start:end])
        at = np.flatnonzero(inside)[start:end]
        changes[at, 0] = np.diff(best, prepend=0.0)
        changes[at[0], 1] = 1.0
    return Steps(finite[places], changes, marked.n_windows)


def per_episode(scores: Floats, marked: Marks, closes_after: int = 3) -> Steps:
    """The first reading of each episode is an alert; `closes_after` readings in a row below the threshold end one.

    A reading begins an episode at thresholds up to its own score and above those of the `closes_after` before it.
    """
    places, finite = _scored(scores, marked)
    before = _highest_before(finite, closes_after)
    places = places[finite[places] > before[places]]
    outside = places[marked.windows[places] == NO_WINDOW]
    falls = outside[before[outside] > -np.inf]
    thresholds = [finite[outside], before[falls]]
    changes = [_of_false(marked.worth[outside]), -_of_false(marked.worth[falls])]
    inside = places[marked.windows[places] != NO_WINDOW]
    for start, end in _runs(marked.windows[inside]):
        at = inside[start:end]
        found = _earliest(finite[at], before[at], marked.worth[at])
        thresholds.append(found[:, 0])
        changes.append(np.column_stack([found[:, 1:], np.zeros((len(found), 2))]))
    return Steps(np.concatenate(thresholds), np.concatenate(changes), marked.n_windows)


def _scored(scores: Floats, marked: Marks) -> tuple[Integers, Floats]:
    """The places that may be alerts, and all scores: without one, minus infinity; otherwise finite."""
    known = ~np.isnan(scores)
    finite = np.where(known, np.clip(scores, -_HIGHEST, _HIGHEST), -np.inf)
    return np.flatnonzero(known & (np.arange(len(scores)) >= marked.scored_from)), finite


def _runs(numbers: Integers) -> Iterable[tuple[int, int]]:
    """Begin and end of each run of equal numbers."""
    if len(numbers):
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        yield from zip([0, *cuts.tolist()], [*cuts.tolist(), len(numbers)], strict=True)


def _highest_before(scores: Floats, n: int) -> Floats:
    padded = np.concatenate([np.full(n, -np.inf), scores])
    return np.asarray(np.max([padded[shift : shift + len(scores)] for shift in range(n)], axis=0))


def _of_false(worth: Floats) -> Floats:
    zeros = np.zeros(len(worth))
    return np.column_stack([zeros, zeros, worth, zeros + 1.0])


def _earliest(rises: Floats, falls: Floats, worth: Floats) -> Floats:
    """How the credit of one window changes: rows of a threshold, a change of credit and one of windows found.

    Parameters
    ----------
    rises, falls, worth
        Of the readings that begin episodes at some thresholds, in order: at these from `rises` down to above `falls`.
    """
    events = sorted(
        [(-rise, True, place) for place, rise in enumerate(rises.tolist())]
        + [(-fall, False, place) for place, fall in enumerate(falls.tolist()) if fall > -np.inf]
    )
    waiting: list[int] = []
    active = [False] * len(rises)
    steps, credit, found = [], 0.0, 0.0
    for threshold, begins, place in events:
        active[place] = begins
        if begins:
            heappush(waiting, place)
        while waiting and not active[waiting[0]]:
            heappop(waiting)
        now, is_found = (float(worth[waiting[0]]), 1.0) if waiting else (0.0, 0.0)
        if (now, is_found) != (credit, found):
            steps.append((-threshold, now - credit, is_found - found))
            credit, found = now, is_found
    return np.array(steps).reshape(-1, 3)


class Sweep:
    """The outcome at each threshold, over several series.

    Examples
    --------
    >>> from bench.nab.scoring import PROFILES, marks
    >>> marked = marks(6, [(2, 3)], scored_from=0)
    >>> sweep = Sweep([per_reading(np.array([np.nan, 0.2, 0.9, 0.1, np.inf, 0.2]), marked)])
    >>> threshold, score = sweep.best(PROFILES["standard"])
    >>> float(threshold), round(float(score), 2)
    (0.9, 94.57)
    """

    def __init__(self, series: Sequence[Steps]) -> None:
        thresholds = np.concatenate([np.empty(0), *(each.thresholds for each in series)])
        changes = np.concatenate([np.empty((0, len(_COLUMNS))), *(each.changes for each in series)])
        order = np.argsort(-thresholds, kind="stable")
        thresholds, sums = thresholds[order], np.cumsum(changes[order], axis=0)
        last = np.flatnonzero(np.append(thresholds[1:] != thresholds[:-1], True)[: len(thresholds)])
        self._thresholds = np.append(NO_ALERT, thresholds[last])
        self._sums = np.vstack([np.zeros(len(_COLUMNS)), sums[last]])
        self._n_windows = sum(each.n_windows for each in series)

    def best(self, score: Score) -> tuple[float, float]:
        """The threshold with the highest score, the highest of these thresholds, and that score."""
        credit, found, penalty, false = self._sums.T
        figures = score(Outcome(credit, found, penalty, false, self._n_windows))
        place = int(np.argmax(figures)) if self._n_windows else 0
        return float(self._thresholds[place]), float(figures[place])

    def at(self, threshold: float) -> Outcome:
        """The outcome when scores from this threshold on are alerts."""
        place = int(np.searchsorted(-self._thresholds, -threshold, side="right")) - 1
        credit, found, penalty, false = self._sums[place].tolist()
        return Outcome(credit, round(found), penalty, round(false), self._n_windows)
