"""Numbered rows of `customers`: written one after the other, and looked for in their topic."""

import json
import threading
import time
from collections import Counter
from typing import Any

import psycopg
from tenacity import Retrying, retry_if_exception_type, wait_fixed

from connectors.postgres_cdc import DatabaseUnavailable, database
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from drills.committed import TopicTail
from headrace.polling import wait_until
from headrace.publisher import Pace

Row = tuple[str, int]
"""Key and number: one state of one row."""

KEYS = 8
ROWS_PER_S = 400.0
ACKNOWLEDGED_WITHIN_S = 60.0
PAUSE_S = 0.1
COLUMN = "ALTER TABLE customers ADD COLUMN IF NOT EXISTS number int"
# An answer that was lost with its connection is asked for again: the same state a second time changes nothing.
CHANGE = """
INSERT INTO customers (customer_id, number) VALUES (%s, %s) ON CONFLICT (customer_id)
DO UPDATE SET number = EXCLUDED.number WHERE customers.number < EXCLUDED.number"""


class NumberedRows:
    """Changes 0, 1, 2, ... of a few rows in turn, from a thread of its own, each until PostgreSQL has committed it."""

    def __init__(self, endpoints: CaptureEndpoints, prefix: str) -> None:
        self.tried_at: dict[Row, float] = {}
        """Monotonic time at which each was first tried, in s."""
        self.acknowledged = 0
        self._endpoints = endpoints
        self.prefix = prefix
        self._pace = Pace(ROWS_PER_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rows", daemon=True)

    @property
    def sent(self) -> int:
        return len(self.tried_at)

    def start(self) -> None:
        """Begins to write; `finish` ends it."""
        self._thread.start()

    def finish(self) -> None:
        """Ends the stream behind a row that is committed.

        Raises
        ------
        NotWithin
        """
        self._stop.set()
        wait_until("the last row's commit", lambda: not self._thread.is_alive(), ACKNOWLEDGED_WITHIN_S)

    def _run(self) -> None:
        Retrying(retry=retry_if_exception_type(DatabaseUnavailable), wait=wait_fixed(PAUSE_S))(self._write)

    def _write(self) -> None:
        with database.asking(self._endpoints) as connection:
            connection.execute(COLUMN)
            while not self._done():
                self._commit(connection)
                self._pace.wait()

    def _commit(self, connection: "psycopg.Connection[Any]") -> None:
        number, key = divmod(self.acknowledged, KEYS)
        row = (f"{self.prefix}{key}", number)
        self.tried_at.setdefault(row, time.monotonic())
        connection.execute(CHANGE, row)
        self.acknowledged += 1

    def _done(self) -> bool:
        return self._stop.is_set() and self.acknowledged == self.sent


class CapturedRows:
    """What readers of committed records see of them; each look goes on where the last one ended."""

    def __init__(self, tail: TopicTail, rows: NumberedRows) -> None:
        self.found: Counter[Row] = Counter()
        self.out_of_order = 0
        self.longest_s = 0.0
        """How long the change waited that waited longest, from when it was first tried until it was seen."""
        self._rows = rows
        self._prefix = rows.prefix.encode()
        self._newest: dict[str, int] = {}
        self._tail = tail

    def update(self) -> None:
        """Reads what is new."""
        for record in self._tail.new():
            if record.key.startswith(self._prefix):
                self._take((record.key.decode(), json.loads(record.value)["number"]))

    def has_one_after(self, time_s: float) -> bool:
        """Whether a change was seen that was first tried after that monotonic time."""
        self.update()
        return any(self._rows.tried_at[row] > time_s for row in list(self.found))

    def forget_waits(self) -> None:
        """Waits count from now on."""
        self.update()
        self.longest_s = 0.0

    def close(self) -> None:
        """Ends the consumer."""
        self._tail.close()

    def _take(self, row: Row) -> None:
        key, number = row
        if not self.found[row]:
            self.longest_s = max(self.longest_s, time.monotonic() - self._rows.tried_at[row])
        self.found[row] += 1
        self.out_of_order += number < self._newest.get(key, -1)
        self._newest[key] = max(number, self._newest.get(key, -1))
