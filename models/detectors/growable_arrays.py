"""Arrays with one entry (or one row) a series: they grow as series come, and are read and written in pages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.state_codec import UnreadableState

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Column:
    """What is kept of each series under one name.

    Parameters
    ----------
    fill
        Of a series that has had no reading yet.
    dtype
        As small as the values allow: it is multiplied by the number of series.
    width
        Entries of a series; None for one that is no array of its own.
    is_derived
        Whether it follows from the others: not part of the state.
    """

    fill: float
    dtype: type = np.float64
    width: int | None = None
    is_derived: bool = False

    def empty(self, n_series: int) -> Array:
        return np.empty((n_series, *self.shape), self.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.width is None else (self.width,)


class SeriesColumns:
    """Named columns of one length: the state of all series of a bucket in arrays.

    Whoever keeps its state in one is read and written in pages of series, so that a snapshot need not contain the
    series that had no reading since the one before.

    Parameters
    ----------
    columns
        By name.

    Examples
    --------
    >>> series = SeriesColumns(mean=Column(0.0), n=Column(0, np.int32))
    >>> series.grow(3)
    >>> series["mean"][[0, 2]] = 1.5, 2.5
    >>> page = series.page(1, 3)
    >>> page["mean"], page["n"]
    (array([0. , 2.5]), array([0, 0], dtype=int32))
    >>> copy = SeriesColumns(mean=Column(0.0), n=Column(0, np.int32))
    >>> copy.load(1, page)
    >>> copy["mean"][: len(copy)]
    array([0. , 0. , 2.5])
    """

    def __init__(self, **columns: Column) -> None:
        self._columns = columns
        self._arrays = {name: column.empty(0) for name, column in columns.items()}
        self._n_series = 0

    def __len__(self) -> int:
        """Number of series."""
        return self._n_series

    def __getitem__(self, name: str) -> Array:
        """The column of that name, of shape `(capacity,)` or `(capacity, width)`: at least as long as `self`."""
        return self._arrays[name]

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`; the new ones are filled.

        Room is added in small parts (1/32) and not by doubling: a bucket knows its series after a few seconds, and
        the room that is left over is memory for its whole life.
        """
        used = self._n_series
        if n_series <= used:
            return
        for name, column in self._columns.items():
            array = self._arrays[name]
            if n_series > len(array):
                larger = column.empty(n_series + n_series // 32 + 4)
                larger[:used] = array[:used]
                self._arrays[name] = array = larger
            array[used:n_series] = column.fill
        self._n_series = n_series

    def widen(self, width: int) -> None:
        """Give every column that is an array of each series `width` entries at least; the new ones are filled."""
        for name in self._columns:
            self._widen_column(name, width)

    def _widen_column(self, name: str, width: int) -> None:
        column = self._columns[name]
        if column.width is not None and column.width < width:
            self._columns[name] = wider = replace(column, width=width)
            array: Array = np.full((len(self._arrays[name]), *wider.shape), column.fill, column.dtype)
            array[:, : column.width] = self._arrays[name]
            self._arrays[name] = array

    def reset(self, rows: Integers) -> None:
        """Fill the entries of these series again."""
        for name, column in self._columns.items():
            self._arrays[name][rows] = column.fill

    def page(self, start: int, end: int) -> dict[str, Array]:
        """The columns of the series `start` to `end`, by name; views. Derived ones are left out."""
        return {name: self._arrays[name][start:end] for name, column in self._columns.items() if not column.is_derived}

    def load(self, start: int, page: Mapping[str, Array]) -> None:
        """Take over what `page` gave, from row `start` on.

        Raises
        ------
        UnreadableState
            When a column is missing, or has other entries than this one. Some columns may then be taken over.
        """
        names = [name for name, column in self._columns.items() if not column.is_derived]
        if lacking := [name for name in names if name not in page]:
            raise UnreadableState(f"state has no {', '.join(lacking)}")
        lengths = {len(page[name]) for name in names}
        if len(lengths) != 1:
            raise UnreadableState(f"columns of the state have {', '.join(map(str, sorted(lengths)))} series")
        self.grow(start + lengths.pop())
        for name in names:
            self._load_column(name, start, page[name])

    def _load_column(self, name: str, start: int, entries: Array) -> None:
        own = self._arrays[name]
        if entries.ndim != own.ndim or entries.dtype.kind != own.dtype.kind:
            raise UnreadableState(f"{name} of the state has {entries.ndim} axes of {entries.dtype}")
        if entries.ndim == 1:
            own[start : start + len(entries)] = entries
            return
        self._widen_column(name, entries.shape[1])
        self._arrays[name][start : start + len(entries), : entries.shape[1]] = entries
