"""Readings against windows: each reading is in one window of each length, or late."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Connection

from headrace.reconciliation.difference import Difference, merged, named
from headrace.reconciliation.reading_record import ReadingRecord
from schemas.topics import TELEMETRY_READINGS
from schemas.window_summary import WINDOWS_MS

TABLES = """
CREATE TABLE windows (
  series INTEGER, length TEXT, start INTEGER, open INTEGER NOT NULL,
  partition INTEGER, first INTEGER, last INTEGER,
  PRIMARY KEY (series, length, start)) WITHOUT ROWID;
"""
"""open: readings of this window that are in none and not late; below 0 there are more in it than there were readings.
partition, first, last: between which offsets of telemetry.readings they stand."""

_ADD = """
INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  open = open + excluded.open,
  partition = COALESCE(excluded.partition, partition),
  first = MIN(COALESCE(first, excluded.first), COALESCE(excluded.first, first)),
  last = MAX(COALESCE(last, excluded.last), COALESCE(excluded.last, last))
"""

_Key = tuple[int, str, int]
"""Series, length, start."""


@dataclass
class _Change:
    open: int = 0
    partition: int | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class OpenWindow:
    """A window with a sum that is not 0."""

    series: str
    length: str
    start_ms: int
    open: int
    partition: int | None
    first: int | None
    last: int | None

    @property
    def end_ms(self) -> int:
        return self.start_ms + WINDOWS_MS[self.length]


class Windows:
    """A sum for each window: plus 1 for a reading, minus 1 for a late one, minus its count for the window's record.

    A sum does not mind the order. A window whose sum is 0 is not kept.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_readings(self, readings: Iterable[ReadingRecord]) -> None:
        """Each opens a window of each length, or is in one that is open."""
        changes: defaultdict[_Key, _Change] = defaultdict(_Change)
        for reading in readings:
            for length, size_ms in WINDOWS_MS.items():
                change = changes[reading.series, length, reading.event_time // size_ms * size_ms]
                change.open += 1
                change.partition = reading.partition
                change.first = reading.offset if change.first is None else min(change.first, reading.offset)
                change.last = reading.offset if change.last is None else max(change.last, reading.offset)
        self._apply(changes)

    def add_late(self, late: Iterable[tuple[int, int]]) -> None:
        """Series and event time of readings that are in no window, and said to be so."""
        changes: defaultdict[_Key, _Change] = defaultdict(_Change)
        for series, event_time in late:
            for length, size_ms in WINDOWS_MS.items():
                changes[series, length, event_time // size_ms * size_ms].open -= 1
        self._apply(changes)

    def add_windows(self, windows: Iterable[tuple[int, str, int, int]]) -> None:
        """Series, length, start and count of windows as they closed."""
        changes: defaultdict[_Key, _Change] = defaultdict(_Change)
        for series, length, start, count in windows:
            changes[series, length, start].open -= count
        self._apply(changes)

    def sweep(self, judged_from_ms: int) -> None:
        """Forgets the windows that add up, and those that start before what can be judged."""
        self._connection.execute("DELETE FROM windows WHERE open = 0 OR start < ?", (judged_from_ms,))

    def open(self) -> Iterable[OpenWindow]:
        """The windows that do not add up, by where their readings stand."""
        rows = self._connection.execute(
            "SELECT device || '/' || metric, length, start, open, windows.partition, first, last "
            "FROM windows JOIN series ON number = series "
            "WHERE open <> 0 ORDER BY length, windows.partition, first"
        )
        return (OpenWindow(*row) for row in rows)

    def differences(self, is_due: Callable[[OpenWindow], bool]) -> tuple[list[Difference], int]:
        """What does not add up and should by now; and how many windows may still close."""
        due: defaultdict[str, list[OpenWindow]] = defaultdict(list)
        waiting = 0
        for window in self.open():
            if is_due(window):
                due[window.length].append(window)
            else:
                waiting += 1
        return [each for length, windows in due.items() for each in _of(length, windows)], waiting

    def _apply(self, changes: dict[_Key, _Change]) -> None:
        rows = ((*key, each.open, each.partition, each.first, each.last) for key, each in changes.items())
        self._connection.executemany(_ADD, rows)


def _of(length: str, windows: list[OpenWindow]) -> list[Difference]:
    """The differences of the windows of one length, which come in the order of their readings."""
    lost = [each for each in windows if each.open > 0]
    surplus = [each for each in windows if each.open < 0]
    found = []
    if lost:
        ranges = ((each.partition or 0, each.first or 0, each.last or 0) for each in lost)
        what = f"readings in no {length} window and not late, the first of {_described(lost[0])}"
        found += named(what, TELEMETRY_READINGS.name, merged(ranges))
    if surplus:
        readings = -sum(each.open for each in surplus)
        first = _described(surplus[0])
        found.append(Difference(f"{length} windows and late readings have {readings} too many, the first of {first}"))
    return found


def _described(window: OpenWindow) -> str:
    return f"{window.series} at {datetime.fromtimestamp(window.start_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
