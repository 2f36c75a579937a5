"""The ledger: what balances have read so far and what is still open, in one SQLite file that stays small."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from headrace.errors import LedgerUnusable
from headrace.reconciliation import influxdb_check, messages, redis_check, series, totals, windows
from headrace.reconciliation.difference import Range
from headrace.reconciliation.influxdb_check import Points
from headrace.reconciliation.messages import Messages
from headrace.reconciliation.redis_check import States
from headrace.reconciliation.series import Series
from headrace.reconciliation.totals import Totals
from headrace.reconciliation.windows import Windows

SCHEMA_VERSION = 1
"""Raised with every change of a table."""

BUSY_AFTER_S = 30.0

Partition = tuple[str, int]

TABLES = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE positions (
  topic TEXT, partition INTEGER, next INTEGER, last_record INTEGER, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE gaps (topic TEXT, partition INTEGER, first INTEGER, last INTEGER);
CREATE TABLE unreadable (topic TEXT, partition INTEGER, offset INTEGER);
{totals.TABLES} {series.TABLES} {messages.TABLES} {windows.TABLES} {influxdb_check.TABLES} {redis_check.TABLES}
"""
"""positions: where the next balance reads on, and the last record that was seen.
gaps: what retention took before it was judged. unreadable: records that are none of ours."""


class Ledger:
    """What one balance works on, inside of one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.totals = Totals.load(connection)
        self.series = Series(connection)
        self.messages = Messages(connection)
        self.windows = Windows(connection)
        self.points = Points(connection, self.series)
        self.states = States(connection)
        rows = connection.execute("SELECT topic, partition, next, last_record FROM positions").fetchall()
        self.positions: dict[Partition, int] = {(topic, number): next_ for topic, number, next_, _ in rows}
        """Where to read on."""
        self.last_records: dict[Partition, int] = {(topic, number): last for topic, number, _, last in rows}
        """Offset of the last record seen; -1 if there was none."""

    @property
    def compare_from_ms(self) -> int:
        """From where on every point of InfluxDB is to be looked at."""
        return self._number("compare_from_ms")

    @compare_from_ms.setter
    def compare_from_ms(self, value: int) -> None:
        self._remember("compare_from_ms", value)

    @property
    def judged_from_ms(self) -> int:
        """Event times before it cannot be judged: retention took readings before they were read."""
        return self._number("judged_from_ms")

    @judged_from_ms.setter
    def judged_from_ms(self, value: int) -> None:
        self._remember("judged_from_ms", value)

    def require_cluster(self, cluster: str) -> None:
        """Check that the ledger was written from this Kafka cluster.

        Raises
        ------
        LedgerUnusable
            When it was written from another one.
        """
        before = self._fact("cluster", cluster)
        if before != cluster:
            raise LedgerUnusable(f"the ledger is that of Kafka cluster {before}, this one is {cluster}. {_START_OVER}")
        self._remember("cluster", cluster)

    def require_reached(self, ends: Mapping[Partition, int]) -> None:
        """Check that every topic still has what the ledger has counted.

        Raises
        ------
        LedgerUnusable
            When a topic ends before that offset.
        """
        for (topic, number), position in self.positions.items():
            end = ends.get((topic, number), 0)
            if position > end:
                raise LedgerUnusable(
                    f"{topic}[{number}] was read up to {position} and now ends at {end}: "
                    f"the topic was deleted and created again. {_START_OVER}"
                )

    def add_gap(self, topic: str, partition: int, first: int, last: int) -> None:
        """Offsets that cannot be judged."""
        self._connection.execute("INSERT INTO gaps VALUES (?, ?, ?, ?)", (topic, partition, first, last))

    def gaps(self) -> dict[str, list[Range]]:
        """By topic."""
        return self._ranges("SELECT topic, partition, first, last FROM gaps ORDER BY 1, 2, 3")

    def add_unreadable(self, topic: str, partition: int, offset: int) -> None:
        """A record that is none of ours."""
        self._connection.execute("INSERT INTO unreadable VALUES (?, ?, ?)", (topic, partition, offset))

    def unreadable(self) -> dict[str, list[Range]]:
        """By topic."""
        return self._ranges("SELECT topic, partition, offset, offset FROM unreadable ORDER BY 1, 2, 3")

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part of the balance that is undone, and it alone, when it raises."""
        self._connection.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO step")
            raise
        finally:
            self._connection.execute("RELEASE step")

    def save(self) -> None:
        """Everything that is not in a table yet."""
        self.totals.save(self._connection)
        self.messages.save()
        rows = [(*each, next_, self.last_records.get(each, -1)) for each, next_ in self.positions.items()]
        self._connection.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)", rows)

    def _ranges(self, query: str) -> dict[str, list[Range]]:
        found: dict[str, list[Range]] = {}
        for topic, *range_ in self._connection.execute(query):
            found.setdefault(topic, []).append((range_[0], range_[1], range_[2]))
        return found

    def _number(self, name: str) -> int:
        return int(str(self._fact(name, 0)))

    def _fact(self, name: str, default: object) -> object:
        found = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return found[0] if found else default

    def _remember(self, name: str, value: object) -> None:
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


class LedgerFile:
    """The file, opened with the first balance. Without a path a temporary one, which is gone with this object.

    With `start_over` what earlier balances left is deleted first.

    Raises LedgerUnusable when the file is damaged, of another version, or in use by another balance.
    """

    def __init__(self, path: Path | None = None, *, start_over: bool = False) -> None:
        self._path = path
        self._anew = start_over
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def balance(self) -> Iterator[Ledger]:
        """One transaction: after an error, or a kill, the ledger is as it was."""
        with self._translated_errors():
            connection = self._connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._prepare(connection)
                ledger = Ledger(connection)
                yield ledger
                ledger.save()
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._anew:
                delete(self._path)
        # An empty name is SQLite's own temporary file, of which the most is kept in memory.
        connection = sqlite3.connect(self._path or "", timeout=BUSY_AFTER_S, isolation_level=None)
        # Only on a file without tables: what a first balance took on the way is given back at its end.
        connection.execute("PRAGMA auto_vacuum = FULL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise LedgerUnusable(
                f"{self._path} has version {version} of the ledger, this is {SCHEMA_VERSION}. {_START_OVER}"
            )

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LedgerUnusable(
                f"{self._path}: {error}. Does another balance run? Else look for a full disk, or: {_START_OVER}"
            ) from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise LedgerUnusable(f"{self._path} is damaged ({error}). {_START_OVER}") from error


def delete(path: Path) -> None:
    """Removes the ledger, and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


_START_OVER = "Start over from all that the topics hold:  headrace balance --full"
