"""Readings against Redis: the state of each series is its newest reading by event time."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from sqlite3 import Connection

from headrace.reconciliation.difference import Difference, merged, named
from headrace.reconciliation.reading_record import ReadingRecord
from headrace.reconciliation.stores import StateStore
from schemas.redis_keys import DEVICE
from schemas.topics import TELEMETRY_READINGS

TABLES = """
CREATE TABLE refused_states (partition INTEGER, offset INTEGER, PRIMARY KEY (partition, offset)) WITHOUT ROWID;
"""
"""The newest reading of each series stands in the table of the series (series.py)."""

DEVICE_LIFETIME_MS = 1000 * DEVICE.lifetime_s

BATCH = 1000
"""States that are asked for in one round trip."""

_NEWER = """
UPDATE series SET newest_time = ?2, newest_value = ?3, partition = ?4, offset = ?5, append_time = ?6, state_is_open = 1
WHERE number = ?1 AND (newest_time IS NULL OR newest_time <= ?2)
"""


@dataclass(frozen=True)
class Newest:
    """The newest reading of a series, whose state is not yet seen. Times in ms since the epoch."""

    number: int
    device: str
    metric: str
    time: int
    value: float
    partition: int
    offset: int
    append_time: int


@dataclass
class StatesCheck:
    """What one look into Redis has found."""

    behind: list[Newest]
    """Not there, older or another value, and due."""
    ahead: list[Newest]
    """Redis has a newer reading than was read."""
    waiting: int = 0
    """May still be on the way."""

    @property
    def differences(self) -> list[Difference]:
        """Where Redis is behind."""
        ranges = sorted((each.partition, each.offset, each.offset) for each in self.behind)
        return named(
            "the newest reading of its series, and not what Redis holds", TELEMETRY_READINGS.name, merged(ranges)
        )


class States:
    """The newest reading of each series, looked up in Redis once after each change."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_readings(self, readings: Iterable[ReadingRecord]) -> None:
        """Of two with one event time the later in the topic counts, as it does in Redis."""
        newest: dict[int, ReadingRecord] = {}
        for each in readings:
            if each.series not in newest or each.event_time >= newest[each.series].event_time:
                newest[each.series] = each
        rows = [
            (each.series, each.event_time, each.value, each.partition, each.offset, each.append_time)
            for each in newest.values()
        ]
        self._connection.executemany(_NEWER, rows)

    def add_refused(self, readings: Iterable[tuple[int, int]]) -> None:
        """Partition and offset of readings that Redis refused: there is a dead letter of each."""
        self._connection.executemany("INSERT OR IGNORE INTO refused_states VALUES (?, ?)", readings)

    def forget_refusals_before(self, positions: Iterable[tuple[int, int]]) -> None:
        """Partition and offset up to which readings were read and checked: no older one will come."""
        self._connection.executemany("DELETE FROM refused_states WHERE partition = ? AND offset < ?", positions)

    def open(self) -> int:
        """How many series have changed since their state was last seen."""
        return int(self._connection.execute("SELECT COUNT(*) FROM series WHERE state_is_open").fetchone()[0])

    def check(
        self, store: StateStore, is_due: Callable[[int, int], bool], *, now_ms: int, judged_from_ms: int
    ) -> StatesCheck:
        """Compares the states that changed; what agrees is not looked at again.

        `is_due` says for a partition and offset of telemetry.readings whether store_redis is past it. A state that
        is newer than `judged_from_ms` allows for is not reported: its reading may have left Kafka.

        Raises
        ------
        StoreUnavailable
        """
        self._connection.execute(
            "UPDATE series SET state_is_open = 0 WHERE state_is_open"
            " AND (partition, offset) IN (SELECT partition, offset FROM refused_states)"
        )
        found = StatesCheck([], [])
        after = 0
        while batch := self._changed_after(after):
            states = store.states([(each.device, each.metric) for each in batch])
            for newest, state in zip(batch, states, strict=True):
                self._judge(newest, _state(state), found, is_due, now_ms, judged_from_ms)
            after = batch[-1].number
        return found

    def _changed_after(self, number: int) -> list[Newest]:
        rows = self._connection.execute(
            "SELECT number, device, metric, newest_time, newest_value, partition, offset, append_time FROM series"
            " WHERE state_is_open AND number > ? ORDER BY number LIMIT ?",
            (number, BATCH),
        )
        return [Newest(*row) for row in rows]

    def _judge(
        self,
        newest: Newest,
        state: tuple[int, float] | None,
        found: StatesCheck,
        is_due: Callable[[int, int], bool],
        now_ms: int,
        judged_from_ms: int,
    ) -> None:
        expired = state is None and newest.append_time + DEVICE_LIFETIME_MS <= now_ms
        unjudged = state is not None and newest.time < state[0] < judged_from_ms
        if state == (newest.time, newest.value) or expired or unjudged:
            self._connection.execute("UPDATE series SET state_is_open = 0 WHERE number = ?", (newest.number,))
        elif state is not None and state[0] > newest.time:
            found.ahead.append(newest)
        elif is_due(newest.partition, newest.offset):
            found.behind.append(newest)
        else:
            found.waiting += 1


def _state(text: str | None) -> tuple[int, float] | None:
    """Time and value of the reading's half; None if there is none, or nothing that can be read."""
    try:
        state = json.loads(text or "{}")
        return int(state["ts"]), float(state["value"])
    except (ValueError, KeyError, TypeError):
        return None
