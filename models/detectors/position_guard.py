"""Drops readings that came before: a reader of uncommitted records sees those of an aborted transaction twice."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Column, Flags, Integers, SeriesColumns

REMEMBERED = 16_384
"""Readings of a bucket. What two cleaning subtasks can have in flight between them, in Flink's network buffers, is
less; a reading overtaken by more than that is taken for a repeated one."""

_NOTHING = -1


@dataclass(frozen=True)
class Positions:
    """Positions in the raw topic of readings of some series; columns of shape `(n,)`, none negative.

    Parameters
    ----------
    rows
        Of the series.
    partitions, offsets, items
        Together one position.
    """

    rows: Rows
    partitions: Rows
    offsets: Rows
    items: Rows

    dtypes: ClassVar[dict[str, type]] = {
        "rows": np.int32, "partitions": np.int32, "offsets": np.int64, "items": np.int32
    }  # fmt: skip

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> "Positions":
        return Positions(*(column[index] for column in self.columns))

    @property
    def columns(self) -> tuple[Rows, Rows, Rows, Rows]:
        """Row, partition, offset and item."""
        return self.rows, self.partitions, self.offsets, self.items

    def in_order(self) -> Rows:
        """Places sorted by partition, offset, item, row."""
        places: Rows = np.lexsort((self.rows, self.items, self.offsets, self.partitions))
        return places

    def repeats(self) -> Flags:
        """Whether each entry is the one before it once more, shape `(n,)`."""
        repeats = np.zeros(len(self), np.bool_)
        repeats[1:] = True
        for column in self.columns:
            repeats[1:] &= column[1:] == column[:-1]
        return repeats

    def tuples(self) -> list[tuple[int, ...]]:
        """The columns of each entry."""
        return list(zip(*(column.tolist() for column in self.columns), strict=True))


class PositionGuard:
    """The positions (offset, item) that each series has had in each partition.

    The last readings of the bucket are remembered one by one, since at a parallelism above 1 one reading may
    overtake another. For those before them the highest that was forgotten stands, of each series and partition:
    whatever is not above it has been here.

    A series has a slot for each partition it has come from. That is one, unless the number of partitions changed.

    Parameters
    ----------
    remembered
        How many readings at least.

    Examples
    --------
    >>> guard = PositionGuard()
    >>> guard.grow(1)
    >>> rows, partitions, items = np.zeros((3, 3), np.int64)
    >>> guard.admit(rows, partitions, np.array([12, 11, 11]), items)
    array([1, 0])
    >>> guard.admit(rows, partitions, np.array([10, 12, 13]), items)
    array([0, 2])
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self.series = SeriesColumns(
            partition=Column(_NOTHING, np.int32, 1),
            highest_offset=Column(_NOTHING, np.int64, 1),
            highest_item=Column(_NOTHING, np.int32, 1),
            forgotten_offset=Column(_NOTHING, np.int64, 1),
            forgotten_item=Column(_NOTHING, np.int32, 1),
        )
        self._recent: deque[Positions] = deque()
        self._n_recent = 0
        self.settled: Rows = np.empty(0, np.int64)
        """Of the last `admit`: series of which a position is no longer remembered by itself: their columns changed."""

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def forget(self, rows: Rows) -> None:
        """Know nothing of these series. The readings of the others stay remembered for as long as they would."""
        self.series.reset(rows)
        for part in self._recent:
            part.rows[np.isin(part.rows, rows)] = _NOTHING

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
        self.settled = np.empty(0, np.int64)
        if len(rows) == 0:
            return np.empty(0, np.int64)
        came = Positions(rows, partitions, offsets, items)
        order = came.in_order()
        came = came[order]
        slots = self._slots(came.rows, came.partitions)
        fresh = ~came.repeats()
        highest = fresh & self._above("highest", came, slots)
        doubtful = np.flatnonzero(fresh & ~highest)
        if len(doubtful):
            fresh[doubtful] = self._never_seen(came[doubtful], slots[doubtful])
        self._raise("highest", came, slots, highest)
        self._remember(came[fresh])
        index: Integers = order[fresh]
        return index

    def _slots(self, rows: Rows, partitions: Rows) -> Rows:
        """Which slot of its series each partition has; a partition that is new to a series gets one."""
        if (self.series["partition"][rows, 0] == partitions).all():  # nearly always
            return np.zeros(len(rows), np.int64)
        while True:
            own = self.series["partition"][rows]
            is_it = own == partitions[:, None]
            slots: Rows = is_it.argmax(axis=1)
            missing = ~is_it.any(axis=1)
            if not missing.any():
                return slots
            free = own[missing] == _NOTHING
            if not free.any(axis=1).all():
                self.series.widen(own.shape[1] + 1)
                continue
            # Of several partitions that are new to one series the last one gets the slot, and the others come again.
            self.series["partition"][rows[missing], free.argmax(axis=1)] = partitions[missing]

    def _above(self, which: str, positions: Positions, slots: Rows) -> Flags:
        """Whether each of `positions` is above the one of its series and partition."""
        places = (positions.rows, slots)
        offset, item = self.series[which + "_offset"][places], self.series[which + "_item"][places]
        above: Flags = (positions.offsets > offset) | ((positions.offsets == offset) & (positions.items > item))
        return above

    def _raise(self, which: str, positions: Positions, slots: Rows, above: Flags) -> None:
        """Be no lower than those of `positions`, which are in order, that stand `above`."""
        places = (positions.rows[above], slots[above])
        # Of a series and partition that comes more than once the last stays, and it is the highest.
        self.series[which + "_offset"][places] = positions.offsets[above]
        self.series[which + "_item"][places] = positions.items[above]

    def _never_seen(self, overtaken: Positions, slots: Rows) -> Flags:
        """Of positions that are not the highest of their series: whether they are neither remembered nor forgotten."""
        low, high = overtaken.offsets.min(), overtaken.offsets.max()
        seen: set[tuple[int, ...]] = set()
        for part in self._recent:
            seen.update(part[(part.offsets >= low) & (part.offsets <= high)].tuples())
        unknown = np.fromiter((each not in seen for each in overtaken.tuples()), np.bool_, len(overtaken))
        return unknown & self._above("forgotten", overtaken, slots)

    def _remember(self, new: Positions) -> None:
        if len(new):
            self._recent.append(_compact(new))
            self._n_recent += len(new)
        while self._recent and self._n_recent - len(self._recent[0]) >= self._remembered:
            oldest = self._recent.popleft()
            self._n_recent -= len(oldest)
            if (oldest.rows == _NOTHING).any():
                oldest = oldest[oldest.rows != _NOTHING]
            slots = self._slots(oldest.rows, oldest.partitions)
            self._raise("forgotten", oldest, slots, self._above("forgotten", oldest, slots))
            self.settled = np.append(self.settled, oldest.rows)

    def recent(self) -> dict[str, Array]:
        """What is remembered one by one, by name: the part of the state that is not kept for each series."""
        parts = list(self._recent)
        columns: dict[str, Array] = {
            f"recent.{name}": np.concatenate([getattr(part, name) for part in parts] or [np.empty(0, dtype)])
            for name, dtype in Positions.dtypes.items()
        }
        return columns | {"recent.lengths": np.array([len(part) for part in parts], np.int64)}

    def load_recent(self, arrays: Mapping[str, Array]) -> None:
        """Continue from what `recent` gave."""
        recent = Positions(**{name: arrays[f"recent.{name}"] for name in Positions.dtypes})
        ends = np.cumsum(arrays["recent.lengths"]).tolist()
        self._recent = deque(recent[start:end] for start, end in zip([0, *ends], ends, strict=False))
        self._n_recent = len(recent)


def _compact(positions: Positions) -> Positions:
    return Positions(**{name: getattr(positions, name).astype(dtype) for name, dtype in Positions.dtypes.items()})
