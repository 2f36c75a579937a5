"""Drops readings that came before: a reader of uncommitted records sees those of an aborted transaction twice."""

import numpy as np

from models.detectors.columns import Flags, Integers, grown
from models.detectors.fleet import Rows

_NOTHING_SEEN = -1


class PositionGuard:
    """The highest position (offset, item) seen of each series in each partition.

    A partition is written in order, so whatever is not above the highest position has been here before.

    Examples
    --------
    >>> guard = PositionGuard()
    >>> guard.grow(1)
    >>> rows, partitions, items = np.zeros((3, 3), np.int64)
    >>> guard.admit(rows, partitions, np.array([12, 11, 11]), items)
    array([1, 0])
    >>> guard.admit(rows, partitions, np.array([11, 12, 13]), items)
    array([2])
    """

    def __init__(self) -> None:
        self._n_series = 0
        self._n_partitions = 0
        # Shapes: (capacity, n_partitions)
        self._offset: Integers = np.empty((0, 0), np.int64)
        self._item: Integers = np.empty((0, 0), np.int64)

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        if n_series > self._n_series:
            self._offset = grown(self._offset, self._n_series, n_series, _NOTHING_SEEN)
            self._item = grown(self._item, self._n_series, n_series, _NOTHING_SEEN)
            self._n_series = n_series

    def admit(self, rows: Rows, partitions: Rows, offsets: Rows, items: Rows) -> Rows:
        """Places of the readings that are new, in the order of their positions; they count as seen from now on.

        Parameters
        ----------
        rows, partitions, offsets, items
            Shape `(n,)`, in any order, none negative.

        Returns
        -------
        index
            Shape `(n_new,)`, sorted by partition, offset, item.
        """
        if len(rows) == 0:
            return np.empty(0, np.int64)
        self._widen(int(partitions.max()) + 1)
        order = np.lexsort((rows, items, offsets, partitions))
        lanes = (rows[order], partitions[order])
        offset, item = offsets[order], items[order]
        fresh = _above(offset, item, self._offset[lanes], self._item[lanes])
        fresh[1:] &= _differs_from_last(offset, item, *lanes)
        lanes = (lanes[0][fresh], lanes[1][fresh])
        self._offset[lanes] = offset[fresh]  # of a repeated lane the last, highest position stays
        self._item[lanes] = item[fresh]
        index: Integers = order[fresh]
        return index

    def _widen(self, n_partitions: int) -> None:
        if n_partitions > self._n_partitions:
            added = ((0, 0), (0, n_partitions - self._n_partitions))
            self._offset = np.pad(self._offset, added, constant_values=_NOTHING_SEEN)
            self._item = np.pad(self._item, added, constant_values=_NOTHING_SEEN)
            self._n_partitions = n_partitions

    def arrays(self) -> dict[str, Integers]:
        """What it has seen, by name."""
        return {"offset": self._offset[: self._n_series], "item": self._item[: self._n_series]}

    def load(self, arrays: dict[str, Integers]) -> None:
        """Continue from what `arrays` gave."""
        self._offset, self._item = arrays["offset"], arrays["item"]
        self._n_series, self._n_partitions = self._offset.shape


def _differs_from_last(*columns: Integers) -> Flags:
    """Whether an entry differs from the one before it in any column, shape `(n - 1,)`."""
    differs = np.zeros(len(columns[0]) - 1, np.bool_)
    for column in columns:
        differs |= column[1:] != column[:-1]
    return differs


def _above(offset: Rows, item: Rows, seen_offset: Rows, seen_item: Rows) -> Flags:
    above: Flags = (offset > seen_offset) | ((offset == seen_offset) & (item > seen_item))
    return above
