"""Many flagged readings in a row are one episode, and an episode is one alert."""

import numpy as np

from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Column, Flags, Integers, SeriesColumns

NO_EPISODE = int(np.iinfo(np.int64).min)
"""In place of an event time: the reading is in no episode."""


class Episodes:
    """The open episode of each series.

    An episode bears the event time of its first flagged reading. Unflagged readings inside it belong to it;
    the last of `closes_after` in a row closes it and is outside.

    Parameters
    ----------
    closes_after
        Unflagged readings in a row that end an episode.

    Examples
    --------
    >>> episodes = Episodes(closes_after=2)
    >>> episodes.grow(1)
    >>> times = np.arange(10, 16)
    >>> flagged = np.array([False, True, False, True, False, False])
    >>> found = episodes.follow(np.zeros(6, np.int64), times, flagged)
    >>> np.where(found == NO_EPISODE, 0, found)
    array([ 0, 11, 11, 11, 11,  0])
    """

    def __init__(self, closes_after: int = 3) -> None:
        if closes_after < 1:
            raise ValueError(f"closes_after must be 1 or more, not {closes_after}")
        self._closes_after = closes_after
        self.series = SeriesColumns(episode=Column(NO_EPISODE, np.int64), n_calm=Column(0, np.int32))

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def follow(self, rows: Rows, event_times: Integers, flagged: Flags) -> Rows:
        """The episode of each reading, or NO_EPISODE.

        Parameters
        ----------
        rows, event_times, flagged
            Shape `(n,)`; readings of one series in order; times in ms.

        Returns
        -------
        episodes
            Shape `(n,)`.
        """
        found = np.full(len(rows), NO_EPISODE)
        concerned = flagged | (self.series["episode"][rows] != NO_EPISODE)
        if not concerned.any():
            return found
        for place in np.flatnonzero(np.isin(rows, rows[concerned])).tolist():
            row = rows[place]
            found[place] = self._flagged(row, event_times[place]) if flagged[place] else self._calm(row)
        return found

    def _flagged(self, row: int, event_time: int) -> int:
        if self.series["episode"][row] == NO_EPISODE:
            self.series["episode"][row] = event_time
        self.series["n_calm"][row] = 0
        return int(self.series["episode"][row])

    def _calm(self, row: int) -> int:
        if self.series["episode"][row] != NO_EPISODE:
            self.series["n_calm"][row] += 1
            if self.series["n_calm"][row] == self._closes_after:
                self.series["episode"][row], self.series["n_calm"][row] = NO_EPISODE, 0
        return int(self.series["episode"][row])
