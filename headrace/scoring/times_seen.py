"""Which readings of a file come at a time that their series has had: they have one identity, and only the first counts.

Memory is needed only where times go backwards: as long as each series moves on, its last time says that all that
follows is new. At the first reading that does not, what was read so far is read once more, and from then on the times
are kept, in 16 bytes each, and 56 while they are sorted.
"""

from collections.abc import Callable, Iterator

import numpy as np

from models.detectors.growable_arrays import Array, Floats, Integers
from schemas.limits import MAX_EVENT_TIME_MS, MIN_TRAINING_TIME_MS

TIME_BITS = (MAX_EVENT_TIME_MS - MIN_TRAINING_TIME_MS).bit_length()
MAX_SERIES = 1 << (63 - TIME_BITS)
"""Of which times can be kept: a series and a time fill one integer."""

_NEVER = np.iinfo(np.int64).min


class TimesSeen:
    """The first reading of each series at each time.

    Parameters
    ----------
    again
        Gives series, times and values of all readings from the first on, in the parts that `first_values` had.

    Examples
    --------
    >>> parts = [(np.array([0, 0]), np.array([10**12, 10**12 + 1]), np.array([7.0, 8.0]))] * 2
    >>> seen = TimesSeen(lambda: iter(parts))
    >>> [seen.first_values(*part).tolist() for part in parts]
    [[nan, nan], [7.0, 8.0]]
    """

    def __init__(self, again: Callable[[], Iterator[tuple[Integers, Integers, Floats]]]) -> None:
        self._again = again
        self._n_parts = 0
        self._last: Integers = np.empty(0, np.int64)
        self._runs: list[tuple[Integers, Floats]] | None = None

    def first_values(self, series: Integers, times: Integers, values: Floats) -> Floats:
        """Of each reading the value that its series had first at this time; NaN for one that is the first.

        Parameters
        ----------
        series
            Shape `(n,)`, below MAX_SERIES.
        times
            Shape `(n,)`, ms since the epoch, from 1990 to 2100.
        values
            Shape `(n,)`, finite.
        """
        moves_on = self._moves_on(series, times)
        if self._runs is None and not moves_on:
            self._runs = []
            for part, _ in zip(self._again(), range(self._n_parts), strict=False):
                self._keep(_keys(*part[:2]), part[2])
        self._n_parts += 1
        if self._runs is None:
            return np.full(len(series), np.nan)
        keys = _keys(series, times)
        if moves_on:
            self._keep(keys, values)
            return np.full(len(series), np.nan)
        return self._looked_up(keys, values)

    def _moves_on(self, series: Integers, times: Integers) -> bool:
        """Whether every reading is behind all that its series has had."""
        if len(series) == 0:
            return True
        if (more := int(series.max()) + 1 - len(self._last)) > 0:
            self._last = np.append(self._last, np.full(more + len(self._last), _NEVER))
        order = np.argsort(series, kind="stable")
        series, times = series[order], times[order]
        is_next = np.append(False, series[1:] == series[:-1])
        before = np.where(is_next, np.roll(times, 1), self._last[series])
        np.maximum.at(self._last, series, times)
        return bool((times > before).all())

    def _looked_up(self, keys: Integers, values: Floats) -> Floats:
        distinct, at, which = np.unique(keys, return_index=True, return_inverse=True)
        firsts = np.full(len(distinct), np.nan)
        for kept, kept_values in self._runs or ():
            places = np.minimum(np.searchsorted(kept, distinct), len(kept) - 1)
            is_there = kept[places] == distinct
            firsts[is_there] = kept_values[places[is_there]]
        is_new = np.isnan(firsts)
        self._keep(distinct[is_new], values[at[is_new]])
        firsts[is_new] = values[at[is_new]]
        found: Floats = firsts[which]
        found[at[is_new]] = np.nan
        return found

    def _keep(self, keys: Integers, values: Floats) -> None:
        """As sorted runs, of which the next is always less than half as long: few, and each is merged a few times."""
        if len(keys) == 0 or self._runs is None:
            return
        order = np.argsort(keys, kind="stable")
        run = keys[order], values[order]
        while self._runs and len(self._runs[-1][0]) <= 2 * len(run[0]):
            run = _merged(self._runs.pop(), run)
        self._runs.append(run)


def _keys(series: Integers, times: Integers) -> Integers:
    return (series << TIME_BITS) | (times - MIN_TRAINING_TIME_MS)


def _merged(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    keys, values = (np.concatenate(both) for both in zip(first, second, strict=True))
    order = np.argsort(keys, kind="stable")
    return keys[order], values[order]
