"""When a series last sent, how far apart its readings usually come, and which series are silent for too long."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.extremes import (
    EXTREMES,
    LEAST,
    REMEMBERED_MS,
    SHARE_OF_RATE,
    WEEK_MS,
    N,
    extreme_limit,
    learn_extreme,
)
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Column, Flags, Floats, Integers, SeriesColumns

NEVER = int(np.iinfo(np.int64).min)
"""In place of a time: of a series or partition without readings."""

FEW = 20
"""Series of a partition that may fall silent together and are told all the same."""

_LEAST_MS = 30_000.0
_TIMES_USUAL = 4.0
_TIMES_SECOND = 1.6
_FOLLOWED = 5.0
"""Times its limit that a series must have been followed."""

_MEMORY = 1000.0
_LONGEST_GAP = 1000.0
"""Mean gaps that a gap counts as at most in the mean."""

_PAUSE_MS = 60_000
"""A partition without readings for longer has paused: its series cannot be blamed."""

_LONGEST_RETURN_MS = 600_000
"""After a pause, its series have sent again by then, or the next pause is looked at in its place."""

_PAUSE_FROM, _PAUSE_TO = 1, 2
_CLOCKS = 3

COLUMNS = {
    "heard": Column(NEVER, np.int64),
    "partition": Column(0, np.int32),
    "is_missing": Column(False, np.bool_),
    "mean_gap": Column(0.0),
    "gaps": EXTREMES,
}


@compiled
def limit_ms(gaps: Floats, mean_gap: float, rate: float) -> float:
    """How long a series may be silent, in ms; infinite for one that is too young."""
    if gaps[N] < LEAST:
        return math.inf
    probability = min(0.01, SHARE_OF_RATE * rate * mean_gap / WEEK_MS)
    limit = max(_LEAST_MS, extreme_limit(gaps, probability, _TIMES_USUAL, _TIMES_SECOND))
    return limit if gaps[N] * mean_gap > _FOLLOWED * limit else math.inf


@compiled
def silence_ms(heard: int, clocks: Integers) -> float:
    """Time since a reading on the clock of its partition, without the pause of the whole partition."""
    silent = float(clocks[0]) - float(heard)
    if clocks[_PAUSE_FROM] != NEVER and heard <= clocks[_PAUSE_FROM]:
        silent -= float(clocks[_PAUSE_TO]) - float(clocks[_PAUSE_FROM])
    return max(0.0, silent)


@compiled
def move_clock(clocks: Integers, time: int) -> None:
    """The clock of a partition is the latest event time of its readings."""
    before = clocks[0]
    if time <= before:
        return
    clocks[0] = time
    if before == NEVER or time - before < _PAUSE_MS:
        return
    pause = clocks[_PAUSE_TO] - clocks[_PAUSE_FROM]
    is_over = before - clocks[_PAUSE_TO] > min(pause, _LONGEST_RETURN_MS)
    if clocks[_PAUSE_FROM] == NEVER or is_over or 2 * (time - before) >= pause:
        clocks[_PAUSE_FROM], clocks[_PAUSE_TO] = before, time


@compiled
def follow(
    rows: Array, partitions: Array, event_times: Array, rate: float, clocks: Array,
    heard: Array, partition: Array, is_missing: Array, mean_gap: Array, gaps: Array,
) -> None:  # fmt: skip
    """Learn arrivals, of one partition in order."""
    for place in range(len(rows)):
        row = rows[place]
        own = clocks[partitions[place]]
        move_clock(own, event_times[place])
        partition[row] = partitions[place]
        if heard[row] != NEVER:
            gap = float(own[0]) - float(heard[row])
            if gap > _PAUSE_MS and not is_missing[row]:
                silent = silence_ms(heard[row], own)
                if silent < gap and gap > limit_ms(gaps[row], mean_gap[row], rate):
                    gap = silent
            if gap >= 1.0:  # what comes at once has arrived once
                learn_extreme(gaps[row], gap, gap / REMEMBERED_MS)
                counted = min(gap, _LONGEST_GAP * mean_gap[row]) if mean_gap[row] > 0.0 else gap
                mean_gap[row] += max(1.0 / gaps[row][N], 1.0 / _MEMORY) * (counted - mean_gap[row])
        heard[row] = own[0]
        is_missing[row] = False


@compiled
def find_overdue(
    silences: Array, limits: Array, rate: float, clocks: Array,
    heard: Array, partition: Array, is_missing: Array, mean_gap: Array, gaps: Array,
) -> None:  # fmt: skip
    """Write of each series how long it has been silent and how long it may be, in ms; NaN without a reading."""
    for row in range(len(silences)):
        silences[row], limits[row] = np.nan, np.inf
        if heard[row] == NEVER:
            continue
        silences[row] = silence_ms(heard[row], clocks[partition[row]])
        if silences[row] > _LEAST_MS and not is_missing[row]:
            limits[row] = limit_ms(gaps[row], mean_gap[row], rate)


@dataclass(frozen=True)
class Silences:
    """Series that are silent for too long; columns of one length, times in ms.

    Parameters
    ----------
    rows
        Of the series.
    overdue_at
        When each became too late, on the clock of its partition: the event time of its alert.
    usual
        Mean distance of its readings.
    silent
        Time since its last reading.
    n_held_back
        Series that are too late as well, but fell silent together with most others of their partition.
    """

    rows: Rows
    overdue_at: Integers
    usual: Floats
    silent: Floats
    n_held_back: int


class Arrivals:
    """Which series are missing, by clocks that no stop of the pipeline moves.

    Each partition of the raw topic has a clock: the latest event time of its readings. A device is keyed, so its
    readings come in order behind those of its partition, and what other partitions lag behind makes no difference. The
    clock runs through a backlog as it once ran, so a backlog makes no series silent, and it needs no clock of any
    machine. Where a partition has no readings, `tick` moves it: whoever calls it knows that the pipeline runs.

    How long a series may be silent follows from the gaps between its readings (`extremes`), such that a series without
    failures has about a quarter of the alerts that were asked for.

    Parameters
    ----------
    alerts_per_week
        Of a series, of all kinds.

    Examples
    --------
    >>> arrivals = Arrivals(alerts_per_week=0.3)
    >>> arrivals.grow(2)
    >>> rows, times = np.tile([0, 1], 400), np.repeat(np.arange(400) * 10_000, 2)
    >>> arrivals.follow(rows, np.zeros(800, np.int64), times)
    >>> arrivals.follow(np.zeros(3, np.int64), np.zeros(3, np.int64), times[-1] + np.arange(1, 4) * 10_000)
    >>> arrivals.tick(10_000).rows, arrivals.tick(10_000).rows
    (array([], dtype=int64), array([1]))
    """

    def __init__(self, alerts_per_week: float) -> None:
        self._rate = alerts_per_week
        self._clocks: Array = np.empty((0, _CLOCKS), np.int64)
        self._idle_ms: Integers = np.empty(0, np.int64)
        self.series = SeriesColumns(**COLUMNS)

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def follow(self, rows: Rows, partitions: Rows, event_times: Integers) -> None:
        """Readings of these series, shape `(n,)`, those of each partition in order; times in ms."""
        if len(rows) == 0:
            return
        self._know(int(partitions.max()) + 1)
        self._idle_ms[partitions] = 0
        follow(rows, partitions, event_times, self._rate, self._clocks, *(self.series[name] for name in COLUMNS))

    def tick(self, elapsed_ms: int) -> Silences:
        """A part of time has gone by; gives the series that are now silent for too long, and not yet missing.

        The time counts for partitions without readings. How long they have had none is not kept in the state: after a
        restart they are given time again.
        """
        self._idle_ms += elapsed_ms
        clocks, n = self._clocks.copy(), len(self.series)
        clocks[:, 0] += np.where(clocks[:, 0] == NEVER, 0, self._idle_ms)
        silences, limits = np.empty(n), np.empty(n)
        find_overdue(silences, limits, self._rate, clocks, *(self.series[name] for name in COLUMNS))
        rows = np.flatnonzero(silences > limits)
        told = rows[~self._fell_with_most(rows, silences, limits)] if len(rows) else rows
        at = clocks[self.series["partition"][told], 0] - (silences[told] - limits[told]).astype(np.int64)
        return Silences(told, at, self.series["mean_gap"][told], silences[told], len(rows) - len(told))

    def _fell_with_most(self, rows: Rows, silences: Floats, limits: Floats) -> Flags:
        """Whether most series of its partition that sent when each of `rows` last did are silent as well.

        Of each partition, those are compared that sent since the longest silent of `rows` did.
        """
        n = len(self.series)
        partition, is_missing = self.series["partition"][:n], self.series["is_missing"][:n]
        is_silent = is_missing | (silences > limits)
        longest = np.zeros(len(self._clocks))
        np.maximum.at(longest, partition[rows], silences[rows])
        are_compared = silences <= longest[partition]
        n_compared = np.bincount(partition[are_compared], minlength=len(self._clocks))
        n_silent = np.bincount(partition[are_compared & is_silent], minlength=len(self._clocks))
        is_held_back: Flags = ((n_silent > FEW) & (2 * n_silent > n_compared))[partition[rows]]
        return is_held_back

    def tell(self, rows: Rows) -> None:
        """These series are missing until their next reading."""
        self.series["is_missing"][rows] = True

    def clocks(self) -> dict[str, Array]:
        """The part of the state that is not kept for each series."""
        return {"clocks": self._clocks}

    def load_clocks(self, arrays: Mapping[str, Array]) -> None:
        """Continue from what `clocks` gave."""
        self._clocks = arrays["clocks"].copy()
        self._idle_ms = np.zeros(len(self._clocks), np.int64)

    def _know(self, n_partitions: int) -> None:
        more = n_partitions - len(self._clocks)
        if more > 0:
            self._clocks = np.concatenate([self._clocks, np.full((more, _CLOCKS), NEVER, np.int64)])
            self._idle_ms = np.append(self._idle_ms, np.zeros(more, np.int64))
