"""Drops readings that came before: a reader of uncommitted records sees those of an aborted transaction twice."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Flags, Integers, grown
from models.state_codec import State

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
        self._highest = _HighestPositions()
        self._forgotten = _HighestPositions()
        self._recent: deque[Positions] = deque()
        self._n_recent = 0

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self._highest.grow(n_series)
        self._forgotten.grow(n_series)

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
        came = Positions(rows, partitions, offsets, items)
        self._widen(int(partitions.max()) + 1)
        order = came.in_order()
        came = came[order]
        fresh = ~came.repeats()
        doubtful = np.flatnonzero(fresh & ~self._highest.are_below(came))
        if len(doubtful):
            fresh[doubtful] = self._never_seen(came[doubtful])
        new = came[fresh]
        self._highest.rise_to(new)
        self._remember(new)
        index: Integers = order[fresh]
        return index

    def _widen(self, n_partitions: int) -> None:
        self._highest.widen(n_partitions)
        self._forgotten.widen(n_partitions)

    def _never_seen(self, overtaken: Positions) -> Flags:
        """Of positions that are not the highest of their series: whether they are neither remembered nor forgotten."""
        low, high = overtaken.offsets.min(), overtaken.offsets.max()
        seen: set[tuple[int, ...]] = set()
        for part in self._recent:
            seen.update(part[(part.offsets >= low) & (part.offsets <= high)].tuples())
        unknown = np.fromiter((each not in seen for each in overtaken.tuples()), np.bool_, len(overtaken))
        return unknown & self._forgotten.are_below(overtaken)

    def _remember(self, new: Positions) -> None:
        if len(new):
            self._recent.append(_compact(new))
            self._n_recent += len(new)
        while self._recent and self._n_recent - len(self._recent[0]) >= self._remembered:
            oldest = self._recent.popleft()
            self._n_recent -= len(oldest)
            self._forgotten.rise_to(oldest)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What it has seen, by name."""
        parts = list(self._recent)
        recent: dict[str, npt.NDArray[Any]] = {
            f"recent.{name}": np.concatenate([getattr(part, name) for part in parts] or [np.empty(0, dtype)])
            for name, dtype in Positions.dtypes.items()
        }
        lengths = {"recent.lengths": np.array([len(part) for part in parts], np.int64)}
        return self._highest.arrays("highest.") | self._forgotten.arrays("forgotten.") | lengths | recent

    def load(self, arrays: dict[str, Any]) -> None:
        """Continue from what `arrays` gave."""
        self._highest.load(arrays, "highest.")
        self._forgotten.load(arrays, "forgotten.")
        recent = Positions(**{name: arrays[f"recent.{name}"] for name in Positions.dtypes})
        ends = np.cumsum(arrays["recent.lengths"]).tolist()
        self._recent = deque(recent[start:end] for start, end in zip([0, *ends], ends, strict=False))
        self._n_recent = len(recent)


class _HighestPositions:
    """One position of each series in each partition."""

    def __init__(self) -> None:
        self._n_series = 0
        # Shapes: (capacity, n_partitions)
        self._offset: Integers = np.empty((0, 0), np.int64)
        self._item: Integers = np.empty((0, 0), np.int64)

    def grow(self, n_series: int) -> None:
        if n_series > self._n_series:
            self._offset = grown(self._offset, self._n_series, n_series, _NOTHING)
            self._item = grown(self._item, self._n_series, n_series, _NOTHING)
            self._n_series = n_series

    def are_below(self, positions: Positions) -> Flags:
        """Whether each of `positions` is above the one of its series and partition."""
        lanes = (positions.rows, positions.partitions)
        offset, item = self._offset[lanes], self._item[lanes]
        above: Flags = (positions.offsets > offset) | ((positions.offsets == offset) & (positions.items > item))
        return above

    def rise_to(self, positions: Positions) -> None:
        """Be no lower than `positions`, which are in order."""
        positions = positions[self.are_below(positions)]
        lanes = (positions.rows, positions.partitions)
        # Of a series and partition that comes more than once the last stays, and it is the highest.
        self._offset[lanes] = positions.offsets
        self._item[lanes] = positions.items

    def widen(self, n_partitions: int) -> None:
        missing = n_partitions - self._offset.shape[1]
        if missing > 0:
            self._offset = np.pad(self._offset, ((0, 0), (0, missing)), constant_values=_NOTHING)
            self._item = np.pad(self._item, ((0, 0), (0, missing)), constant_values=_NOTHING)

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        return {prefix + "offset": self._offset[: self._n_series], prefix + "item": self._item[: self._n_series]}

    def load(self, arrays: dict[str, Any], prefix: str) -> None:
        self._offset, self._item = arrays[prefix + "offset"], arrays[prefix + "item"]
        self._n_series = len(self._offset)


def _compact(positions: Positions) -> Positions:
    return Positions(**{name: getattr(positions, name).astype(dtype) for name, dtype in Positions.dtypes.items()})


def from_highest_alone(state: State, prefix: str) -> State:
    """The state of a guard that remembered only the highest position: all below that has been seen."""
    arrays = dict(state.arrays)
    offset, item = arrays.pop(prefix + "offset"), arrays.pop(prefix + "item")
    for name in ("highest.", "forgotten."):
        arrays |= {f"{prefix}{name}offset": offset, f"{prefix}{name}item": item}
    arrays |= {f"{prefix}recent.{name}": np.empty(0, dtype) for name, dtype in Positions.dtypes.items()}
    return replace(state, arrays=arrays | {prefix + "recent.lengths": np.empty(0, np.int64)})
