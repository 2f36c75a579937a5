"""Readings against InfluxDB: each identity is one point, with the value of its last reading."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import NamedTuple

from headrace.reconciliation.difference import Difference, merged, named
from headrace.reconciliation.reading_record import ReadingRecord
from headrace.reconciliation.series import Series
from headrace.reconciliation.stores import Point, PointStore
from schemas.limits import MAX_EVENT_TIME_MS
from schemas.topics import TELEMETRY_READINGS

TABLES = """
CREATE TABLE points (
  time INTEGER, series INTEGER, value REAL NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
  verdict INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (time, series)) WITHOUT ROWID;
CREATE TABLE refused_points (partition INTEGER, offset INTEGER, PRIMARY KEY (partition, offset)) WITHOUT ROWID;
"""
"""points: identities not yet seen in InfluxDB. refused_points: readings that it refused, by their dead letters."""

WAITING, MISSING, DIFFERING = range(3)
"""The verdict on an identity that is kept."""

SLICE = 20_000
"""Identities of one query: these, and the points of that stretch of time, are what is held at a time."""

GAP_MS = 60 * 60 * 1000
"""A pause between identities ends a slice, so that one late reading does not ask for a year of points."""


class Expected(NamedTuple):
    """An identity that InfluxDB should hold."""

    time: int
    series: int
    value: float
    partition: int
    offset: int


@dataclass
class PointsCheck:
    """What one look into InfluxDB has found, beside the verdicts in the table."""

    unknown: list[Point] = field(default_factory=list)
    """Points that no reading made: the first few."""
    unknown_count: int = 0
    waiting: int = 0
    """Not there or different, and may still be on the way."""
    compare_from_ms: int = 0
    """From where the next check has to look at every point."""


class Points:
    """Identities until they are seen in InfluxDB.

    From the newest time of the last check on, every point is looked at; before it, those of the stretches of time
    in which readings are new. So a point that no reading made is found unless its time is older than what was
    compared before in its series; such a one is found by a full balance.
    """

    def __init__(self, connection: Connection, series: Series) -> None:
        self._connection = connection
        self._series = series

    def add_readings(self, readings: Iterable[ReadingRecord]) -> None:
        """The same identity again takes the place of the first, as it does in InfluxDB."""
        rows = ((each.event_time, each.series, each.value, each.partition, each.offset) for each in readings)
        self._connection.executemany(
            "INSERT OR REPLACE INTO points (time, series, value, partition, offset) VALUES (?, ?, ?, ?, ?)", rows
        )

    def add_refused(self, readings: Iterable[tuple[int, int]]) -> None:
        """Partition and offset of readings that InfluxDB refused: there is a dead letter of each."""
        self._connection.executemany("INSERT OR IGNORE INTO refused_points VALUES (?, ?)", readings)

    def forget_refusals_before(self, positions: Iterable[tuple[int, int]]) -> None:
        """Partition and offset up to which readings were read and checked: no older one will come."""
        self._connection.executemany("DELETE FROM refused_points WHERE partition = ? AND offset < ?", positions)

    def open(self) -> int:
        """How many identities have not been seen in InfluxDB yet."""
        return int(self._connection.execute("SELECT COUNT(*) FROM points").fetchone()[0])

    def check(
        self, store: PointStore, is_due: Callable[[int, int], bool], *, compare_from_ms: int, judged_from_ms: int
    ) -> PointsCheck:
        """Compares, and forgets what agrees.

        Parameters
        ----------
        store
            InfluxDB, or a stand-in.
        is_due
            For a partition and offset of telemetry.readings: whether store_influxdb is past it.
        compare_from_ms
            Of the last check.
        judged_from_ms
            Points before are not reported as unknown: their readings may have left Kafka.

        Raises
        ------
        StoreUnavailable
            When InfluxDB does not answer.
        """
        self._forget_refused()
        kept_since_ms = store.kept_since_ms()
        self._connection.execute("DELETE FROM points WHERE time < ?", (kept_since_ms,))
        comparison = _Comparison(self._connection, self._series, is_due, max(judged_from_ms, kept_since_ms))
        for start, stop, expected in self._slices(max(compare_from_ms, kept_since_ms)):
            comparison.of_slice(expected, store.points(start, stop))
        return comparison.finish(compare_from_ms)

    def differences(self) -> list[Difference]:
        """Of the last check: what is not there, and what has another value."""
        found = []
        for verdict, what in ((MISSING, "not in InfluxDB"), (DIFFERING, "another value in InfluxDB")):
            rows = self._connection.execute(
                "SELECT partition, offset, offset FROM points WHERE verdict = ? ORDER BY 1, 2", (verdict,)
            )
            found += named(what, TELEMETRY_READINGS.name, merged(rows))
        return found

    def _forget_refused(self) -> None:
        """What InfluxDB refused is accounted for by its dead letter, also when it is written later after all."""
        refused = self._connection.execute(
            "SELECT series, time FROM points JOIN refused_points USING (partition, offset)"
        )
        for series, time in refused.fetchall():
            self._connection.execute(
                "UPDATE series SET verified_to = MAX(verified_to, ?) WHERE number = ?", (time, series)
            )
            self._connection.execute("DELETE FROM points WHERE time = ? AND series = ?", (time, series))

    def _slices(self, compare_from_ms: int) -> Iterator[tuple[int, int, list[Expected]]]:
        """From, to before, and the identities between. From `compare_from_ms` on they leave no time out."""
        after = -1
        while rows := self._rows_between(after, compare_from_ms):
            for run in _without_pauses(rows):
                yield run[0].time, run[-1].time + 1, run
            after = rows[-1].time
        start = compare_from_ms
        while rows := self._rows_between(start - 1, MAX_EVENT_TIME_MS):
            stop = rows[-1].time + 1
            yield start, stop, rows
            start = stop
        yield start, MAX_EVENT_TIME_MS, []

    def _rows_between(self, after: int, before: int) -> list[Expected]:
        """The next identities in the order of time; those of one time are never parted."""
        last = self._connection.execute(
            "SELECT MAX(time) FROM (SELECT time FROM points WHERE time > ? AND time < ? ORDER BY time LIMIT ?)",
            (after, before, SLICE),
        ).fetchone()[0]
        rows = self._connection.execute(
            "SELECT time, series, value, partition, offset FROM points WHERE time > ? AND time <= ? ORDER BY time",
            (after, -1 if last is None else last),
        )
        return [Expected(*row) for row in rows]


class _Comparison:
    """One check: the slices one after the other, in the order of time."""

    MAX_UNKNOWN = 20

    def __init__(
        self, connection: Connection, series: Series, is_due: Callable[[int, int], bool], judged_from_ms: int
    ) -> None:
        self._connection = connection
        self._series = series
        self._is_due = is_due
        self._judged_from_ms = judged_from_ms
        self._verified_to: dict[int, int] = dict(connection.execute("SELECT number, verified_to FROM series"))
        self._stuck_at: dict[int, int] = {}
        """The first unknown point of a series. What was verified does not pass it, so that it is seen again."""
        self._newest = 0
        self._found = PointsCheck(compare_from_ms=MAX_EVENT_TIME_MS)

    def of_slice(self, expected: list[Expected], points: Iterable[Point]) -> None:
        """All identities and all points of one stretch of time."""
        wanted = {(each.series, each.time): each for each in expected}
        agreed, differing = [], []
        for point in points:
            number = self._series.known(point.device, point.metric)
            identity = wanted.pop((number, point.time), None) if number is not None else None
            if identity is None:
                self._unknown(point, number)
            elif identity.value == point.value:
                agreed.append(identity)
            else:
                differing.append(identity)
        self._forget(agreed)
        self._judge(wanted.values(), MISSING)
        self._judge(differing, DIFFERING)
        if expected:
            self._newest = expected[-1].time

    def finish(self, compared_from_ms: int) -> PointsCheck:
        """Writes down how far each series was compared."""
        rows = [(time, number) for number, time in self._verified_to.items()]
        self._connection.executemany("UPDATE series SET verified_to = ? WHERE number = ?", rows)
        self._found.compare_from_ms = min(self._found.compare_from_ms, max(compared_from_ms, self._newest))
        return self._found

    def _unknown(self, point: Point, number: int | None) -> None:
        """A point without a new reading: compared before, or of no reading that was read."""
        if point.time < self._judged_from_ms:
            return
        if number is not None:
            if point.time <= self._verified_to[number]:
                return
            self._stuck_at[number] = min(point.time, self._stuck_at.get(number, point.time))
        self._found.unknown_count += 1
        if len(self._found.unknown) < self.MAX_UNKNOWN:
            self._found.unknown.append(point)
        self._found.compare_from_ms = min(self._found.compare_from_ms, point.time)

    def _forget(self, agreed: list[Expected]) -> None:
        """What agrees, unless an unknown point of its series is older: then it must not look unknown next time."""
        done = []
        for each in agreed:
            stuck_at, verified_to = self._stuck_at.get(each.series, MAX_EVENT_TIME_MS), self._verified_to[each.series]
            if each.time < stuck_at or each.time <= verified_to:
                done.append((each.time, each.series))
                self._verified_to[each.series] = max(verified_to, each.time)
        self._connection.executemany("DELETE FROM points WHERE time = ? AND series = ?", done)

    def _judge(self, identities: Iterable[Expected], verdict: int) -> None:
        verdicts = []
        for each in identities:
            due = self._is_due(each.partition, each.offset)
            self._found.waiting += not due
            verdicts.append((verdict if due else WAITING, each.time, each.series))
        self._connection.executemany("UPDATE points SET verdict = ? WHERE time = ? AND series = ?", verdicts)


def _without_pauses(rows: list[Expected]) -> Iterator[list[Expected]]:
    """The rows, cut at long pauses."""
    start = 0
    for place in range(1, len(rows)):
        if rows[place].time - rows[place - 1].time > GAP_MS:
            yield rows[start:place]
            start = place
    yield rows[start:]
