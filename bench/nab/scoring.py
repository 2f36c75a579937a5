"""What alerts on a labelled series are worth, by the rule of the Numenta Anomaly Benchmark and as plain events."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np

from models.detectors.growable_arrays import Flags, Floats, Integers

NO_WINDOW = -1

PROBATION_SHARE, MAX_PROBATION = 0.15, 750

_STEEPNESS = 5.0
_FAR_BEHIND = 3.0


def probation(n: int) -> int:
    """How many readings at the beginning of a series of `n` are not scored.

    >>> probation(4032), probation(22695)
    (604, 750)
    """
    return min(int(PROBATION_SHARE * n), MAX_PROBATION)


@dataclass(frozen=True)
class Marks:
    """What an alert on each reading would be worth, before a profile weighs it; columns of one length `n`.

    Parameters
    ----------
    windows
        Number of the labelled window that the reading lies in, or `NO_WINDOW`.
    worth
        Inside a window, from 1 at its first reading towards 0 behind its last. Outside, from 0 behind the last reading
        of a window to -1 far behind it, and -1 before the first window.
    scored_from
        Place of the first reading that is scored.
    n_windows
        Windows with a reading that is scored.
    """

    windows: Integers
    worth: Floats
    scored_from: int
    n_windows: int

    def __len__(self) -> int:
        return len(self.windows)


def _sigmoid(position: Floats) -> Floats:
    return np.asarray(2.0 / (1.0 + np.exp(_STEEPNESS * np.minimum(position, _FAR_BEHIND))) - 1.0)


def marks(n: int, windows: Iterable[tuple[int, int]], scored_from: int) -> Marks:
    """Mark the readings of a series.

    Version 1.1 of the benchmark's rule [1]_. A window that lies as a whole before the first scored reading is left out;
    none of the benchmark's own windows does.

    Parameters
    ----------
    n
        Number of readings.
    windows
        Places of the first and the last reading of each window, in order, without overlap. One without a reading, its
        last place before its first, cannot be found.
    scored_from
        Place of the first reading that is scored.

    References
    ----------
    .. [1] A. Lavin and S. Ahmad, Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark,
       14th IEEE International Conference on Machine Learning and Applications, 2015; and `nab/sweeper.py` of the
       benchmark, which settles what the paper leaves open.

    Examples
    --------
    >>> marked = marks(8, [(2, 4)], scored_from=0)
    >>> marked.windows
    array([-1, -1,  0,  0,  0, -1, -1, -1])
    >>> marked.worth.round(3)
    array([-1.   , -1.   ,  1.   ,  0.944,  0.692, -0.848, -0.987, -0.999])
    """
    numbers = np.full(n, NO_WINDOW)
    worth = np.full(n, -1.0)
    best = _sigmoid(np.array(-1.0))
    counted = 0
    for number, (first, last) in enumerate(windows):
        counted += max(first, last) >= scored_from
        width = last - first + 1
        if not width:
            continue
        numbers[first : last + 1] = number
        worth[first : last + 1] = _sigmoid(-np.arange(width, 0, -1) / width) / best
        behind = np.arange(1, n - last) / max(width - 1, 1)
        worth[last + 1 :] = np.where(behind >= _FAR_BEHIND, -1.0, _sigmoid(behind))
    return Marks(numbers, worth, scored_from, counted)


@dataclass(frozen=True)
class Outcome:
    """What alerts came to, on one series or the sum over several; or, as arrays, at each of several thresholds.

    Parameters
    ----------
    credit
        Sum over the windows of the worth of the earliest alert.
    n_found
        Windows with an alert.
    penalty
        Sum over the alerts outside windows of their worth: 0 or less.
    n_false
        Alerts outside windows.
    n_windows
        Windows that could be found.
    """

    credit: Any = 0.0
    n_found: Any = 0
    penalty: Any = 0.0
    n_false: Any = 0
    n_windows: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.credit + other.credit,
            self.n_found + other.n_found,
            self.penalty + other.penalty,
            self.n_false + other.n_false,
            self.n_windows + other.n_windows,
        )


def total(outcomes: Iterable[Outcome]) -> Outcome:
    """The sum over series."""
    return reduce(Outcome.__add__, outcomes, Outcome())


def outcome(alerts: Flags, marked: Marks) -> Outcome:
    """Score the alerts on one series.

    In a window the earliest alert counts, and no other. Outside every alert counts.

    Parameters
    ----------
    alerts
        Shape `(n,)`; those before `marked.scored_from` are ignored.

    Examples
    --------
    >>> marked = marks(8, [(2, 4)], scored_from=1)
    >>> found = outcome(np.array([1, 1, 0, 1, 1, 0, 0, 1], bool), marked)
    >>> found.n_found, found.n_false, round(found.credit, 3), round(found.penalty, 3)
    (1, 2, 0.944, -1.999)
    """
    places = np.flatnonzero(alerts[marked.scored_from :]) + marked.scored_from
    inside = marked.windows[places] != NO_WINDOW
    _, earliest = np.unique(marked.windows[places[inside]], return_index=True)
    credit, penalty = marked.worth[places[inside][earliest]].sum(), marked.worth[places[~inside]].sum()
    return Outcome(float(credit), len(earliest), float(penalty), int((~inside).sum()), marked.n_windows)


class Score(Protocol):
    """One figure out of an outcome; the higher the better."""

    def __call__(self, result: Outcome) -> Any:
        """Of the shape of the outcome's columns; NaN where there is no window."""


@dataclass(frozen=True)
class Profile:
    """The benchmark's score: 100 for an alert on the first reading of each window and nowhere else, 0 for no alert.

    Parameters
    ----------
    found, missed, false
        Weights of a found window, of a missed one, and of an alert outside windows.

    Examples
    --------
    >>> standard = PROFILES["standard"]
    >>> standard(Outcome(credit=1.0, n_found=1, n_windows=2)), standard(Outcome(penalty=-2.0, n_false=2, n_windows=1))
    (50.0, -11.0)
    """

    found: float
    missed: float
    false: float

    def __call__(self, result: Outcome) -> Any:
        if not result.n_windows:
            return result.credit * np.nan
        reached = self.found * result.credit + self.missed * result.n_found + self.false * result.penalty
        return 100.0 * reached / ((self.found + self.missed) * result.n_windows)


PROFILES = {
    "standard": Profile(found=1.0, missed=1.0, false=0.11),
    "low FP": Profile(found=1.0, missed=1.0, false=0.22),
    "low FN": Profile(found=1.0, missed=2.0, false=0.11),
}


def precision(result: Outcome) -> Any:
    """Events found, over these and the false alerts. More alerts inside an event are neither."""
    return np.divide(result.n_found, np.maximum(result.n_found + result.n_false, 1))


def recall(result: Outcome) -> Any:
    """Events found, over all."""
    return np.divide(result.n_found, result.n_windows) if result.n_windows else result.credit * np.nan


def f1(result: Outcome) -> Any:
    """The harmonic mean of precision and recall.

    >>> round(float(f1(Outcome(n_found=3, n_false=1, n_windows=4))), 2)
    0.75
    """
    if not result.n_windows:
        return result.credit * np.nan
    return 2.0 * result.n_found / (result.n_found + result.n_false + result.n_windows)
