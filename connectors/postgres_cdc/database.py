"""PostgreSQL's side of change capture: tables, publication, replication slot."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from connectors.postgres_cdc import DatabaseRefuses, DatabaseUnavailable, SlotInUse
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.tables import ALSO_PUBLISHED, CAPTURED, NOTES, SCHEMA, SIGNALS, CapturedTable

TABLES = Path(__file__).with_name("tables.sql")
PUBLICATION = "headrace"
SLOT = "headrace"
TRUNCATE_TRIGGER = "headrace_truncate"
ANSWERS_WITHIN_S = 5
SLOT_RELEASE_PAUSE_S = 0.2
LOCKS_WITHIN_S = 10
"""Who waits for a table's lock keeps everybody behind it waiting."""

Database = psycopg.Connection[Any]


@dataclass(frozen=True)
class Slot:
    """What PostgreSQL keeps for the connector."""

    active: bool
    unconfirmed_bytes: int
    """Of the log that the connector has not confirmed yet."""
    held_bytes: int
    """Of the log that PostgreSQL cannot remove because of it."""
    lost: bool = False
    """Log that the connector needs is gone (`max_slot_wal_keep_size`)."""


class TableState(NamedTuple):
    """A table as PostgreSQL's catalog has it."""

    oid: int
    is_table: bool
    has_key_column: bool
    has_unique_key: bool
    has_full_identity: bool
    has_truncate_trigger: bool
    is_readable: bool
    hides_rows: bool
    """From the role of the connector, by row-level security."""
    is_published: bool
    """Every row and column of it."""


class Note(NamedTuple):
    """What headrace_captured says of a table."""

    table: str
    oid: int
    now_named: str | None
    """Where the table with this oid is now; None if it was dropped."""
    age_s: float
    refresh: str | None
    reason: str | None
    version: int


class PublicationState(NamedTuple):
    """Which of the changes a publication sends."""

    all_tables: bool
    is_complete: bool
    """Inserts, updates and deletes."""


@contextmanager
def connection(endpoints: CaptureEndpoints) -> Iterator[Database]:
    """Each statement its own transaction.

    Raises
    ------
    DatabaseUnavailable
    """
    try:
        connection = psycopg.connect(endpoints.postgres_url, connect_timeout=ANSWERS_WITHIN_S, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"PostgreSQL does not answer: {str(error).splitlines()[0]}") from error
    with connection:
        yield connection


@contextmanager
def asking(endpoints: CaptureEndpoints) -> Iterator[Database]:
    """A connection on which a statement that fails raises DatabaseUnavailable or DatabaseRefuses."""
    with connection(endpoints) as database:
        try:
            yield database
        except psycopg.Error as error:
            # Operational: a shutdown, full disk or lock, whose connection may still be counted as whole.
            again = isinstance(error, psycopg.OperationalError) or database.broken
            kind = DatabaseUnavailable if again else DatabaseRefuses
            raise kind(f"PostgreSQL: {str(error).splitlines()[0]}") from error


def prepare(endpoints: CaptureEndpoints) -> None:
    """Tables and publication, created or repaired where they are not as they should be: changes nothing twice.

    A table that differs from what was captured before is noted as one to refresh (`repair.refresh`).

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    """
    with asking(endpoints) as database:
        database.execute(TABLES.read_text())
        _prepare_publication(database)
        slot = _slot(database)
        for table in CAPTURED:
            try:
                with database.transaction():
                    _prepare_table(database, table, captured_before=slot is not None and not slot.lost)
            except psycopg.errors.LockNotAvailable as error:
                raise DatabaseRefuses(
                    f"another transaction has kept {table.qualified} locked for {LOCKS_WITHIN_S} s. End it, or wait"
                ) from error


def _prepare_publication(database: Database) -> None:
    state = publication(database)
    if state is None:
        with database.transaction():
            database.execute(f"CREATE PUBLICATION {PUBLICATION}")
            # What was written without it cannot be decoded, not even later: the slot would stand there for ever.
            for table in CAPTURED:
                there = table_state(database, table)
                if there is not None and _slot(database) is not None:
                    _write_note(database, table, there.oid, "snapshot", "the publication was gone")
    elif not state.is_complete:
        database.execute(f"ALTER PUBLICATION {PUBLICATION} SET (publish = 'insert, update, delete, truncate')")
    for name in ALSO_PUBLISHED:
        if not is_published(database, name):
            database.execute(f"ALTER PUBLICATION {PUBLICATION} ADD TABLE {SCHEMA}.{name}")


def _prepare_table(database: Database, table: CapturedTable, captured_before: bool) -> None:
    note, state = _note(database, table), table_state(database, table)
    if state is None:
        if note is not None:
            return  # renamed, moved or dropped: an empty table in its place would end every row of its topic
        database.execute(f"CREATE TABLE {table.qualified} ({table.columns})")
        state = table_state(database, table)
        assert state is not None  # noqa: S101  # made a line above
    complete = state.has_full_identity and state.is_published
    if not (complete and state.has_truncate_trigger):
        _mend(database, table, state)
    refresh, reason = _missed(note, state, complete, captured_before)
    _write_note(database, table, state.oid, refresh, reason)


def _missed(
    note: Note | None, state: TableState, complete: bool, captured_before: bool
) -> tuple[str | None, str | None]:
    """What the topic of a table lacks, and why."""
    if not captured_before:  # before the first time there is no note either, and the connector begins with a snapshot
        return ("snapshot", "the replication slot was gone") if note is not None else (None, None)
    if note is not None and note.oid != state.oid:
        return "rows", "it was dropped and created again"
    return (None, None) if complete else ("rows", "it was not captured whole")


def _mend(database: Database, table: CapturedTable, state: TableState) -> None:
    """Give the table what capture needs, in a transaction that locks it.

    What was written before is then readable, and what is written after is published.
    """
    database.execute(f"SET LOCAL lock_timeout = '{LOCKS_WITHIN_S}s'")
    database.execute(f"LOCK TABLE {table.qualified} IN ACCESS EXCLUSIVE MODE")
    if not state.has_full_identity:
        database.execute(f"ALTER TABLE {table.qualified} REPLICA IDENTITY FULL")
    if not state.is_published:
        # It may be in it with some rows or columns only.
        listed = "SELECT FROM pg_publication_tables WHERE pubname = %s AND schemaname = %s AND tablename = %s"
        if database.execute(listed, [PUBLICATION, SCHEMA, table.name]).fetchone() is not None:
            database.execute(f"ALTER PUBLICATION {PUBLICATION} DROP TABLE {table.qualified}")
        database.execute(f"ALTER PUBLICATION {PUBLICATION} ADD TABLE {table.qualified}")
    if not state.has_truncate_trigger:
        database.execute(f"DROP TRIGGER IF EXISTS {TRUNCATE_TRIGGER} ON {table.qualified}")
        database.execute(
            f"CREATE TRIGGER {TRUNCATE_TRIGGER} AFTER TRUNCATE ON {table.qualified} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.headrace_note_truncate()"
        )


def _write_note(database: Database, table: CapturedTable, oid: int, refresh: str | None, reason: str | None) -> None:
    """What is lacking already stays so, unless more is lacking now."""
    database.execute(
        f"""
        INSERT INTO {SCHEMA}.{NOTES} AS known (table_name, table_oid, refresh, reason)
        VALUES (%(table)s, %(oid)s, %(refresh)s, %(reason)s)
        ON CONFLICT (table_name) DO UPDATE SET
          table_oid = excluded.table_oid,
          (refresh, reason) = (
            SELECT refresh, reason FROM (VALUES
              (known.refresh, known.reason), (excluded.refresh, excluded.reason)) lacks (refresh, reason)
            ORDER BY array_position(ARRAY['snapshot', 'rows', 'deletions'], refresh) LIMIT 1),
          version = known.version + CASE WHEN excluded.refresh IS NULL THEN 0 ELSE 1 END
        WHERE known.table_oid <> excluded.table_oid OR excluded.refresh IS NOT NULL""",
        {"table": table.name, "oid": oid, "refresh": refresh, "reason": reason},
    )


def needs_snapshot(endpoints: CaptureEndpoints) -> bool:
    """Whether the replication slot is of no use any more.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    """
    with asking(endpoints) as database:
        return any(note.refresh == "snapshot" for note in notes(database))


def note_snapshot(endpoints: CaptureEndpoints, reason: str) -> None:
    """The replication slot is of no use any more.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    """
    with asking(endpoints) as database:
        query = f"UPDATE {SCHEMA}.{NOTES} SET refresh = 'snapshot', reason = %s, version = version + 1"
        database.execute(query, [reason])


def note_snapshot_begins(endpoints: CaptureEndpoints) -> None:
    """Slot and position are gone, so the connector reads all rows; those that are gone it cannot know of.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    """
    with asking(endpoints) as database:
        database.execute(f"UPDATE {SCHEMA}.{NOTES} SET refresh = 'deletions' WHERE refresh = 'snapshot'")


def end_refresh(database: Database, note: Note) -> None:
    """It is done, unless there is a newer reason."""
    done = f"UPDATE {SCHEMA}.{NOTES} SET refresh = NULL, reason = NULL WHERE table_name = %s AND version = %s"
    database.execute(done, [note.table, note.version])


def notes(database: Database) -> list[Note]:
    """Of all tables that were captured once; none before `prepare`."""
    if database.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.{NOTES}"]).fetchone() == (None,):
        return []
    rows = database.execute(f"""
        SELECT table_name, table_oid::bigint, c.oid::regclass::text, extract(epoch FROM now() - since)::float8, refresh,
          reason, version
        FROM {SCHEMA}.{NOTES} LEFT JOIN pg_class c ON c.oid = table_oid""")
    return [Note(*row) for row in rows]


def _note(database: Database, table: CapturedTable) -> Note | None:
    return next((note for note in notes(database) if note.table == table.name), None)


def table_state(database: Database, table: CapturedTable) -> TableState | None:
    """None: there is no such table."""
    query = """
        SELECT c.oid::bigint, c.relkind IN ('r', 'p'),
          EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = %(key)s AND NOT attisdropped),
          EXISTS (
            SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
              AND i.indisvalid AND a.attnotnull AND a.attname = %(key)s),
          c.relreplident = 'f',
          EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = %(trigger)s AND tgenabled IN ('O', 'A')),
          has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid)
        FROM pg_class c WHERE c.oid = to_regclass(%(table)s)"""
    arguments = {"key": table.key, "trigger": TRUNCATE_TRIGGER, "table": table.qualified}
    row = database.execute(query, arguments).fetchone()
    return TableState._make((*row, is_published(database, table.name))) if row else None


def is_published(database: Database, name: str) -> bool:
    """Whether every row and column of a table is in the publication."""
    query = """
        SELECT FROM pg_publication_tables t
        WHERE pubname = %(publication)s AND schemaname = %(schema)s AND tablename = %(name)s AND rowfilter IS NULL
          AND NOT EXISTS (
            SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
            WHERE p.pubname = t.pubname AND r.prrelid = to_regclass(%(table)s) AND r.prattrs IS NOT NULL)"""
    arguments = {"publication": PUBLICATION, "schema": SCHEMA, "name": name, "table": f"{SCHEMA}.{name}"}
    return database.execute(query, arguments).fetchone() is not None


def publication(database: Database) -> PublicationState | None:
    """None: there is no publication."""
    query = "SELECT puballtables, pubinsert AND pubupdate AND pubdelete FROM pg_publication WHERE pubname = %s"
    row = database.execute(query, [PUBLICATION]).fetchone()
    return PublicationState(*row) if row else None


class ReadRequest(NamedTuple):
    """What the connector was asked to read again."""

    id: str
    rows: int
    """That there were then."""
    position: int
    """Of PostgreSQL's log behind the request."""


def request_rows(database: Database, table: CapturedTable, keys: Sequence[str] = ()) -> ReadRequest | None:
    """Ask the connector to read rows of the table again, all or those with these keys. None: there are none."""
    wanted = sql.SQL("{} = ANY({})").format(sql.Identifier(table.key), list(keys)) if keys else sql.SQL("true")
    count = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(SCHEMA, table.name), wanted)
    (found,) = database.execute(count).fetchone() or (0,)
    if not found:
        return None
    asked: dict[str, Any] = {"data-collections": [table.qualified], "type": "INCREMENTAL"}
    if keys:
        only = {"data-collection": table.qualified, "filter": wanted.as_string(database)}
        asked["additional-conditions"] = [only]
    request = str(uuid.uuid4())
    signal = [request, "execute-snapshot", json.dumps(asked)]
    database.execute(f"INSERT INTO {SCHEMA}.{SIGNALS} (id, type, data) VALUES (%s, %s, %s)", signal)
    return ReadRequest(request, int(found), position(database)[0])


def may_request_rows(database: Database) -> bool:
    """Whether nobody else has rows read again; they cannot either while this connection is open."""
    row = database.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"{SCHEMA}.{SIGNALS}"]).fetchone()
    return row == (True,)


def gone(database: Database, table: CapturedTable, keys: Iterable[str]) -> set[str]:
    """Those of the keys that no row of the table has."""
    query = sql.SQL("SELECT key FROM unnest(%s::text[]) key WHERE NOT EXISTS (SELECT FROM {} WHERE {} = key)").format(
        sql.Identifier(SCHEMA, table.name), sql.Identifier(table.key)
    )
    return {key for (key,) in database.execute(query, [list(keys)])}


def position(database: Database) -> tuple[int, int]:
    """Where PostgreSQL's log ends, as the number that `__source_lsn` is, and the time in ms."""
    query = (
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, (extract(epoch FROM now()) * 1000)::bigint"
    )
    row = database.execute(query).fetchone()
    assert row is not None  # noqa: S101  # a SELECT without FROM has one row
    return row[0], row[1]


def slot(endpoints: CaptureEndpoints) -> Slot | None:
    """None: there is no slot.

    Raises
    ------
    DatabaseUnavailable
    """
    with connection(endpoints) as database:
        return _slot(database)


def _slot(database: Database) -> Slot | None:
    query = """
        SELECT active, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn),
          pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), coalesce(wal_status = 'lost', false)
        FROM pg_replication_slots WHERE slot_name = %s"""
    row = database.execute(query, [SLOT]).fetchone()
    return Slot(row[0], int(row[1] or 0), int(row[2] or 0), row[3]) if row else None


def drop_slot(endpoints: CaptureEndpoints, within_s: float = ANSWERS_WITHIN_S) -> bool:
    """Whether there was one.

    One that has stopped does so for a moment more.

    Raises
    ------
    DatabaseUnavailable
    SlotInUse
        While a connector reads it.
    """
    query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
    while_in_use = Retrying(
        retry=retry_if_exception_type(psycopg.errors.ObjectInUse),
        stop=stop_after_delay(within_s),
        wait=wait_fixed(SLOT_RELEASE_PAUSE_S),
        reraise=True,
    )
    with connection(endpoints) as database:
        try:
            return while_in_use(lambda: database.execute(query, [SLOT]).fetchone()) is not None
        except psycopg.errors.ObjectInUse as error:
            raise SlotInUse(str(error).splitlines()[0]) from error
