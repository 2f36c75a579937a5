"""Which row of a fleet's arrays a series has."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Column, Flags, Integers, SeriesColumns
from models.state_codec import UnreadableState

SeriesKey = tuple[str, str]
"""Device and metric."""

PAGE_SERIES = 256
"""Series of a page, which is what a snapshot leaves out or writes. Smaller ones leave out more, and cost more each."""

MAX_RECENT = 4096
"""Series of a bucket whose rows are found by their keys alone. A lookup by name costs a microsecond."""

_SEPARATOR = b"\xff"  # stands in no UTF-8
_FREE = -1
"""In place of the length of a name: the row has no series."""


def series_name(key: SeriesKey) -> bytes:
    """A series as bytes, other ones for each."""
    device, metric = key
    return device.encode() + _SEPARATOR + metric.encode()


def series_key(name: bytes) -> SeriesKey:
    """The series of a name: the inverse of `series_name`."""
    device, _, metric = name.partition(_SEPARATOR)
    return device.decode(), metric.decode()


def distinct(keys: Iterable[SeriesKey]) -> tuple[list[SeriesKey], Rows]:
    """Each key once, in the order of their first appearance; and which of these each of `keys` is, shape `(n,)`.

    Examples
    --------
    >>> distinct([("pump-1", "flow"), ("pump-2", "flow"), ("pump-1", "flow")])
    ([('pump-1', 'flow'), ('pump-2', 'flow')], array([0, 1, 0]))
    """
    numbers = _Numbers()
    which = np.array([numbers[key] for key in keys], np.int64)
    return list(numbers), which


class _Numbers(dict[SeriesKey, int]):
    def __missing__(self, key: SeriesKey) -> int:
        number = self[key] = len(self)
        return number


class SeriesIndex:
    """Names of series to rows; a new name gets the lowest row that is free.

    A series is an entry of a sorted array of hashes, and its name is a part of the text of its page: there is no
    Python object for it, except for `MAX_RECENT` of those that had readings last. Series whose hashes are equal stand
    beside each other and are told apart by their names.

    Parameters
    ----------
    hash_of
        Of a name. Python's differs from process to process, so nothing but the order of a lookup depends on it.

    Examples
    --------
    >>> index = SeriesIndex()
    >>> index.rows([b"a", b"b"]), index.rows([b"b", b"c"])
    (array([0, 1]), array([1, 2]))
    >>> index.forget(np.array([0]))
    >>> index.rows([b"d", b"e"]), len(index)
    (array([0, 3]), 4)
    """

    def __init__(self, hash_of: Callable[[bytes], int] = hash) -> None:
        self._hash_of = hash_of
        self._hashes: Integers = np.empty(0, np.int64)  # sorted
        self._rows: Array = np.empty(0, np.int32)  # of them
        self._lengths = SeriesColumns(length=Column(_FREE, np.int32))
        self._texts: list[bytes] = []  # of each page: the names of its series, one behind the other
        self._starts: list[Array] = []  # of each page: where the name of each row begins
        self._recent: dict[SeriesKey, int] = {}

    def __len__(self) -> int:
        """Number of series."""
        return len(self._hashes)

    @property
    def n_rows(self) -> int:
        """All rows below have a series, or had one."""
        return len(self._lengths)

    def rows_of(self, keys: Sequence[SeriesKey]) -> Rows:
        """The rows of `keys`, of which some may come many times, shape `(n,)`."""
        recent = self._recent
        rows = np.array([recent.get(key, -1) for key in keys], np.int64)
        others = np.flatnonzero(rows < 0)
        if len(others):
            found, which = distinct(keys[place] for place in others.tolist())
            rows_found = self.rows(list(map(series_name, found)))
            rows[others] = rows_found[which]
            if len(recent) + len(found) > MAX_RECENT:
                recent.clear()
            recent.update(zip(found[:MAX_RECENT], rows_found.tolist(), strict=False))
        return rows

    def rows(self, names: Sequence[bytes]) -> Rows:
        """The rows of `names`, of which none comes twice, shape `(n,)`."""
        hashes = self._hashes_of(names)
        rows = self._found(names, hashes)
        new = np.flatnonzero(rows < 0)
        if len(new):
            rows[new] = self._free_rows(len(new))
            self._write([names[place] for place in new.tolist()], rows[new])
            self._insert(hashes[new], rows[new])
        return rows

    def find(self, key: SeriesKey) -> int | None:
        """The row of a series, None for one that is not known."""
        name = series_name(key)
        row = int(self._found([name], self._hashes_of([name]))[0])
        return None if row < 0 else row

    def keys(self, rows: Rows) -> list[SeriesKey]:
        """The series of these rows, of which each has one."""
        lengths = self._lengths["length"][rows].tolist()
        return [series_key(self._name(row, length)) for row, length in zip(rows.tolist(), lengths, strict=True)]

    def names(self, start: int, end: int) -> dict[str, Array]:
        """The names of the rows `start` to `end`, which begin and end pages."""
        text = b"".join(self._texts[start // PAGE_SERIES : -(-end // PAGE_SERIES)])
        return {"text": np.frombuffer(text, np.uint8), "length": self._lengths["length"][start:end]}

    def load(self, start: int, arrays: dict[str, Array]) -> None:
        """Take over what `names` gave, from `start` on, which begins a page; there were no such rows before.

        Raises UnreadableState.
        """
        lengths, text = arrays["length"], arrays["text"].tobytes()
        self.skip(start + len(lengths))
        rows = start + np.flatnonzero(lengths != _FREE)
        ends = np.cumsum(np.maximum(lengths, 0))
        if (len(ends) and ends[-1]) != len(text):
            raise UnreadableState("names of the state do not end with their text")
        used = ends[rows - start].tolist()
        names = [text[begin:end] for begin, end in zip([0, *used], used, strict=False)]
        self._write(names, rows)
        self._insert(self._hashes_of(names), rows)

    def skip(self, n_rows: int) -> None:
        """Have `n_rows` rows at least; the new ones are free."""
        self._lengths.grow(n_rows)
        for _ in range(len(self._texts), -(-n_rows // PAGE_SERIES)):
            self._texts.append(b"")
            self._starts.append(np.zeros(PAGE_SERIES, np.int32))

    def forget(self, rows: Rows) -> None:
        """Have no series in `rows`; other names will get them."""
        self._recent.clear()
        kept = ~np.isin(self._rows, rows)
        self._hashes, self._rows = self._hashes[kept], self._rows[kept]
        for page in np.unique(rows // PAGE_SERIES).tolist():
            named = self._named(page)
            for row in rows[rows // PAGE_SERIES == page].tolist():
                named.pop(row, None)
            self._rewrite(page, named)

    def free(self) -> Rows:
        """The rows that have no series, in order."""
        return np.flatnonzero(self._lengths["length"][: self.n_rows] == _FREE)

    def _hashes_of(self, names: Sequence[bytes]) -> Integers:
        return np.fromiter(map(self._hash_of, names), np.int64, len(names))

    def _found(self, names: Sequence[bytes], hashes: Integers) -> Rows:
        """The row of each name, -1 for one that is not known."""
        rows = np.full(len(names), -1)
        places = np.searchsorted(self._hashes, hashes)
        asked = np.arange(len(names))
        while len(asked):
            asked = asked[places[asked] < len(self._hashes)]
            asked = asked[self._hashes[places[asked]] == hashes[asked]]
            candidates = self._rows[places[asked]]
            is_it = self._are_named(candidates, [names[place] for place in asked.tolist()])
            rows[asked[is_it]] = candidates[is_it]
            asked = asked[~is_it]
            places[asked] += 1
        return rows

    def _are_named(self, rows: Array, names: list[bytes]) -> Flags:
        found = map(self._name, rows.tolist(), self._lengths["length"][rows].tolist())
        return np.fromiter(map(bytes.__eq__, found, names), np.bool_, len(names))

    def _name(self, row: int, length: int) -> bytes:
        page, place = divmod(row, PAGE_SERIES)
        start = self._starts[page].item(place)
        return self._texts[page][start : start + length]

    def _free_rows(self, n: int) -> Rows:
        free = self.free()[:n] if len(self) < self.n_rows else np.empty(0, np.int64)
        end = self.n_rows + n - len(free)
        new = np.arange(self.n_rows, end)
        self.skip(end)
        return np.concatenate([free, new])

    def _write(self, names: list[bytes], rows: Rows) -> None:
        by_page: dict[int, dict[int, bytes]] = {}
        for name, row in zip(names, rows.tolist(), strict=True):
            by_page.setdefault(row // PAGE_SERIES, {})[row] = name
        for page, named in by_page.items():
            self._rewrite(page, self._named(page) | named)

    def _named(self, page: int) -> dict[int, bytes]:
        """The names of a page, by row."""
        first = page * PAGE_SERIES
        lengths = self._lengths["length"][first : min(first + PAGE_SERIES, self.n_rows)].tolist()
        return {row: self._name(row, length) for row, length in enumerate(lengths, first) if length != _FREE}

    def _rewrite(self, page: int, named: dict[int, bytes]) -> None:
        """The names of a page, in the order of their rows."""
        first = page * PAGE_SERIES
        rows = sorted(named)
        lengths = self._lengths["length"][first : min(first + PAGE_SERIES, self.n_rows)]
        lengths[:] = _FREE
        lengths[[row - first for row in rows]] = [len(named[row]) for row in rows]
        sizes = np.maximum(lengths, 0)
        self._starts[page][: len(sizes)] = np.cumsum(sizes) - sizes
        self._texts[page] = b"".join([named[row] for row in rows])

    def _insert(self, hashes: Integers, rows: Rows) -> None:
        order = np.argsort(hashes, kind="stable")
        places = np.searchsorted(self._hashes, hashes[order])
        self._hashes = np.insert(self._hashes, places, hashes[order])
        self._rows = np.insert(self._rows, places, rows[order].astype(np.int32))
