"""PostgreSQL's side of change capture: tables, publication, replication slot."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from connectors.cdc import DatabaseAway, SlotInUse
from connectors.cdc.endpoints import CaptureEndpoints
from connectors.cdc.tables import ALSO_PUBLISHED, CAPTURED, SCHEMA, SIGNALS, CapturedTable

TABLES = Path(__file__).with_name("tables.sql")
PUBLICATION = "headrace"
SLOT = "headrace"
ANSWERS_WITHIN_S = 5


@dataclass(frozen=True)
class Slot:
    """What PostgreSQL keeps for the connector."""

    active: bool
    unconfirmed_bytes: int
    """Of the log that the connector has not confirmed yet."""
    held_bytes: int
    """Of the log that PostgreSQL cannot remove because of it."""


@contextmanager
def connection(endpoints: CaptureEndpoints) -> Iterator["psycopg.Connection[Any]"]:
    """Each statement its own transaction. Raises DatabaseAway."""
    try:
        connection = psycopg.connect(endpoints.postgres_url, connect_timeout=ANSWERS_WITHIN_S, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error).splitlines()[0]) from error
    with connection:
        yield connection


def prepare(endpoints: CaptureEndpoints) -> None:
    """Tables and publication, made if missing: changes nothing twice. Raises DatabaseAway."""
    with connection(endpoints) as database:
        database.execute(TABLES.read_text())
        if not database.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", [PUBLICATION]).fetchone():
            database.execute(f"CREATE PUBLICATION {PUBLICATION}")
        there = database.execute("SELECT tablename FROM pg_publication_tables WHERE pubname = %s", [PUBLICATION])
        missing = {*(table.name for table in CAPTURED), *ALSO_PUBLISHED} - {name for (name,) in there}
        if missing:
            tables = ", ".join(f"{SCHEMA}.{name}" for name in sorted(missing))
            database.execute(f"ALTER PUBLICATION {PUBLICATION} ADD TABLE {tables}")


def read_again(endpoints: CaptureEndpoints, table: CapturedTable, keys: Sequence[str] = ()) -> int:
    """Have rows of the table, all or those with these keys, come once more as they are, without changing them.

    Debezium reads them in pieces beside the changes (an incremental snapshot), and goes on with it after a restart.
    Returns how many rows there are now. Raises DatabaseAway.
    """
    wanted = sql.SQL("{} = ANY({})").format(sql.Identifier(table.key), list(keys)) if keys else sql.SQL("true")
    count = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(SCHEMA, table.name), wanted)
    with connection(endpoints) as database:
        (found,) = database.execute(count).fetchone() or (0,)
        if found:
            asked: dict[str, Any] = {"data-collections": [table.qualified], "type": "INCREMENTAL"}
            if keys:
                only = {"data-collection": table.qualified, "filter": wanted.as_string(database)}
                asked["additional-conditions"] = [only]
            signal = [str(uuid.uuid4()), "execute-snapshot", json.dumps(asked)]
            database.execute(f"INSERT INTO {SIGNALS} (id, type, data) VALUES (%s, %s, %s)", signal)
    return int(found)


def slot(endpoints: CaptureEndpoints) -> Slot | None:
    """None: there is no slot. Raises DatabaseAway."""
    query = """
        SELECT active, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn),
          pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)
        FROM pg_replication_slots WHERE slot_name = %s"""
    with connection(endpoints) as database:
        row = database.execute(query, [SLOT]).fetchone()
    return Slot(row[0], int(row[1] or 0), int(row[2] or 0)) if row else None


def drop_slot(endpoints: CaptureEndpoints) -> bool:
    """Whether there was one. Raises DatabaseAway, and SlotInUse while a connector reads it."""
    query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
    try:
        with connection(endpoints) as database:
            return database.execute(query, [SLOT]).fetchone() is not None
    except psycopg.errors.ObjectInUse as error:
        raise SlotInUse(str(error).splitlines()[0]) from error
