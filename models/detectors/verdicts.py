"""What operators said of a series' alerts, and by how much that raises the series' threshold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Column, Floats, Integers, SeriesColumns
from models.detectors.series_index import SeriesKey

NO_ALERT = int(np.iinfo(np.int64).min)
"""In place of an event time: an alert that has not been."""

REMEMBERED = 8
"""Latest alerts of a series whose verdicts count."""

STEP = math.log(1.2)
"""Of the logarithm of the threshold, for each alert that was dismissed; a confirmed one takes back as much."""

MAX_RAISE = 4 * STEP
"""No series' threshold is raised by more than a factor of 2.07, whatever operators dismiss."""

LIFETIME_MS = 26 * 7 * 24 * 3600 * 1000
"""After the last verdict the raise falls in a straight line, and is gone after half a year."""

CONFIRMED, DISMISSED = -1, 1
"""Codes of verdicts: the direction in which each moves the threshold."""


@dataclass(frozen=True)
class Verdict:
    """What an operator said of one alert.

    Parameters
    ----------
    key
        Device and metric.
    episode
        Event time of the alert in ms: with `key` it is the alert's identity.
    dismissed
        Whether the alert was false; else it was confirmed.
    """

    key: SeriesKey
    episode: int
    dismissed: bool


class Verdicts:
    """The latest alerts of each series with the verdicts on them, and the raise of the threshold that follows.

    The raise follows from the verdicts that are known when one comes, and not from how often they came: the same
    verdict twice counts once, and a changed one replaces the first. So the state is bounded, and so is the raise.

    Examples
    --------
    >>> verdicts = Verdicts()
    >>> verdicts.grow(1)
    >>> series, times = np.array([0, 0]), np.array([1000, 2000])
    >>> verdicts.note_alerts(series, times)
    >>> verdicts.judge(0, 1000, DISMISSED, now_ms=3000), verdicts.judge(0, 2000, DISMISSED, now_ms=3000)
    (True, True)
    >>> bool(np.isclose(np.exp(verdicts.raises(np.array([0]), np.array([3000]))[0]), 1.2**2))
    True
    >>> verdicts.judge(0, 2500, DISMISSED, now_ms=3000)  # there was no such alert
    False
    """

    def __init__(self) -> None:
        self.series = SeriesColumns(
            episodes=Column(NO_ALERT, np.int64, width=REMEMBERED),
            said=Column(0, np.int8, width=REMEMBERED),
            raised=Column(0.0),
            raised_at=Column(0, np.int64),
        )

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def note_alerts(self, rows: Rows, episodes: Integers) -> None:
        """Alerts of these series, in order, shape `(n,)`; event times in ms. The oldest of a series make room."""
        known, said = self.series["episodes"], self.series["said"]
        for row, episode in zip(rows.tolist(), episodes.tolist(), strict=True):
            if episode not in known[row]:
                known[row] = np.append(known[row][1:], episode)
                said[row] = np.append(said[row][1:], 0)

    def judge(self, row: int, episode: int, verdict: int, now_ms: int) -> bool:
        """Note what was said of an alert; whether it is among the remembered alerts of the series.

        Parameters
        ----------
        verdict
            `CONFIRMED` or `DISMISSED`.
        now_ms
            Event time of the series' latest reading: the raise falls from there on.
        """
        (places,) = np.nonzero(self.series["episodes"][row] == episode)
        if len(places) == 0 or episode == NO_ALERT:
            return False
        said = self.series["said"][row]
        if said[places[0]] != verdict:
            said[places[0]] = verdict
            self.series["raised"][row] = _raise(said.tolist())
            self.series["raised_at"][row] = now_ms
        return True

    def raises(self, rows: Rows, event_times: Integers) -> Floats:
        """By how much the logarithms of the thresholds are raised for these readings, shape `(n,)`."""
        raised = self.series["raised"][rows]
        if not raised.any():
            return raised
        age = np.maximum(event_times - self.series["raised_at"][rows], 0)
        return np.asarray(raised * np.maximum(1.0 - age / LIFETIME_MS, 0.0))


def _raise(said: Sequence[int]) -> float:
    """In the order of the alerts, never below 0 nor above the most: many confirmed alerts leave no credit.

    >>> _raise([1, 1, 0, 1]) == 3 * STEP, _raise([1] * 8) == MAX_RAISE, _raise([-1, -1, 1]) == STEP
    (True, True, True)
    """
    steps = 0
    for verdict in said:
        steps = min(max(steps + verdict, 0), round(MAX_RAISE / STEP))
    return steps * STEP
