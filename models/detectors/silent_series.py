"""Series that have been silent for too long are forgotten; how long is measured by the event times of their bucket."""

import numpy as np

from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Column, Integers, SeriesColumns

NOT_BEGUN = int(np.iinfo(np.int64).min)
"""The clock of a bucket without readings."""

UNHEARD = int(np.iinfo(np.int64).max)
"""Of a series that had no reading."""


class SilentSeries:
    """When each series of a bucket had its last reading, by the bucket's clock.

    The clock is the latest event time of any reading so far. So a device that sends what it measured months ago is not
    silent; and a replay, and any other cut of the batches, forgets the same series before the same readings. Event
    times end at most 5 minutes behind the present, so no clock of a device can make the others silent.

    A series that has been silent for longer counts as forgotten from then on. Whether its rows are given to another
    one at once or later makes no difference.

    Parameters
    ----------
    lifetime_ms
        How long a series may be silent; None for ever.

    Examples
    --------
    >>> silent = SilentSeries(lifetime_ms=100)
    >>> silent.grow(2)
    >>> silent.note(np.array([0, 1]), np.array([1000, 1010]))
    >>> silent.note(np.array([1]), np.array([1105]))
    >>> silent.rows(), [silent.may_have_been(np.array([1]), np.array([time])) for time in (1205, 1206)]
    (array([0]), [False, True])
    """

    def __init__(self, lifetime_ms: int | None) -> None:
        self._lifetime_ms = UNHEARD if lifetime_ms is None else lifetime_ms
        self._clock = NOT_BEGUN
        self.series = SeriesColumns(heard=Column(UNHEARD, np.int64))

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def note(self, rows: Rows, event_times: Integers) -> None:
        """Readings of these series, in order, shape `(n,)`; times in ms."""
        if len(rows) == 0:
            return
        heard = self.series["heard"]
        clocks = np.maximum.accumulate(np.maximum(event_times, self._clock))
        if self._clock == NOT_BEGUN:  # state of a version that noted nothing: from now on
            heard[:] = clocks[0]
        heard[rows] = clocks
        self._clock = int(clocks[-1])

    def may_have_been(self, rows: Rows, event_times: Integers) -> bool:
        """Whether one of the series of these readings, shape `(n,)`, can have been silent for too long before one.

        Of a single reading that is certain.
        """
        if len(rows) == 0:
            return False
        before = self._heard_before(max(int(event_times.max()), self._clock))
        first = max(int(event_times.min()), self._clock)  # the clock at the first of them, or earlier
        return before > first or bool((before > self.series["heard"][rows]).any())

    def rows(self) -> Rows:
        """The series that are silent for too long."""
        return np.flatnonzero(self._heard_before(self._clock) > self.series["heard"][: len(self.series)])

    def _heard_before(self, clock: int) -> int:
        return max(clock - self._lifetime_ms, NOT_BEGUN)

    def clock(self) -> dict[str, Array]:
        """The part of the state that is not kept for each series."""
        return {"clock": np.array([self._clock])}

    def load_clock(self, arrays: dict[str, Array]) -> None:
        """Continue from what `clock` gave."""
        self._clock = int(arrays["clock"][0])
