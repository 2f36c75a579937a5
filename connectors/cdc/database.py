"""PostgreSQL's side of change capture: tables, publication, replication slot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from connectors.cdc import DatabaseAway, SlotInUse
from connectors.cdc.endpoints import CaptureEndpoints
from connectors.cdc.tables import CAPTURED, HEARTBEAT

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
            tables = ", ".join([*(table.qualified for table in CAPTURED), HEARTBEAT])
            database.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {tables}")


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
