"""What keeps changes from being captured, each with what to do next. Reads, and changes nothing."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from connectors.kafka.clients import KafkaClientError
from connectors.postgres_cdc import NotCaughtUp, connector, database, heartbeats, rereads
from connectors.postgres_cdc.connector import ConnectorState
from connectors.postgres_cdc.database import PUBLICATION, SLOT, Database, Note, Slot, TableState
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.heartbeats import Heartbeat
from connectors.postgres_cdc.tables import ALSO_PUBLISHED, CAPTURED, SCHEMA, CapturedTable

REPAIR = "headrace cdc repair"
LOGS = "headrace logs connect, headrace logs postgres"
BEGIN_AGAIN = "headrace cdc remove, headrace up"
"""Leaves out what the log has, and reads the tables as they are."""
SHOWN_SETTINGS = 3
MAX_TRACE = 200
MAX_HEARTBEAT_AGE_S = 60.0
"""Twelve beats of 5 s; six of the longest interval that CaptureSettings allows."""


class Fault(NamedTuple):
    """One line: what is wrong, and what to do next."""

    wrong: str
    next: str


def inspect(endpoints: CaptureEndpoints, kafka: str, max_heartbeat_age_s: float = MAX_HEARTBEAT_AGE_S) -> list[Fault]:
    """Of PostgreSQL, the connector, and what passes from one to the other.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    ConnectUnavailable
    """
    with database.asking(endpoints) as asked:
        notes = {note.table: note for note in database.notes(asked)}
        faults = [*_of_publication(asked)]
        for table in CAPTURED:
            faults += of_table(table, database.table_state(asked, table), notes.get(table.name))
        (now_s,) = asked.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone() or (time.time(),)
    faults += of_slot(database.slot(endpoints))
    state = connector.state(endpoints)
    faults += of_connector(state, connector.changed_settings(endpoints))
    if not faults:  # else the heartbeat is behind for one of these reasons
        known_s = max((note.age_s for note in notes.values()), default=0.0)
        faults += [*_of_heartbeats(kafka, now_s, known_s, max_heartbeat_age_s), *_of_rereads(kafka)]
    return faults


def _of_publication(asked: Database) -> Iterator[Fault]:
    state = database.publication(asked)
    if state is None:
        yield Fault(f"there is no publication {PUBLICATION}", REPAIR)
        return
    if not state.is_complete:
        yield Fault(f"the publication {PUBLICATION} leaves out inserts, updates or deletes", REPAIR)
    for name in ALSO_PUBLISHED:
        if not database.is_published(asked, name):
            yield Fault(f"{SCHEMA}.{name} is not there or not in the publication {PUBLICATION}", REPAIR)


def of_table(table: CapturedTable, state: TableState | None, note: Note | None) -> Iterator[Fault]:
    """What is wrong with a captured table."""
    name = table.qualified
    if state is None:
        now = f"; what was captured is now {note.now_named}" if note and note.now_named else ""
        back = f"ALTER TABLE {note.now_named} ... back, or create it again" if now and note else "create it again"
        yield Fault(f"there is no table {name}{now}", f"{back}, then {REPAIR}")
        return
    if not state.is_table or not state.has_key_column:
        what = "no table" if not state.is_table else f"a table without the column {table.key}, the key of its topic"
        yield Fault(f"{name} is {what}", f"put it back, then {REPAIR}")
        return
    if not state.is_readable:
        yield Fault(
            f"the role of the connector may not read {name}: no snapshot of it can be taken",
            f"GRANT SELECT ON {name} TO the role, then {REPAIR}",
        )
    if state.hides_rows:
        yield Fault(
            f"row-level security hides rows of {name} from the role of the connector: snapshots lack them",
            "ALTER ROLE ... BYPASSRLS, then headrace churn rescore or another snapshot",
        )
    if not state.has_unique_key:
        yield Fault(
            f"{name} has no primary key on {table.key} alone: two rows with one key become one",
            f"ALTER TABLE {name} ADD PRIMARY KEY ({table.key})",
        )
    yield from _of_capture(table, state, note)


def _of_capture(table: CapturedTable, state: TableState, note: Note | None) -> Iterator[Fault]:
    name = table.qualified
    if not state.is_published:
        again = ": it was dropped and created again" if note and note.oid != state.oid else ""
        yield Fault(f"the publication {PUBLICATION} lacks {name}, or rows or columns of it{again}", REPAIR)
    elif note and note.oid != state.oid:
        yield Fault(
            f"{name} was dropped and created again: its topic may lack rows, and have some that are gone", REPAIR
        )
    if not state.has_full_identity:
        yield Fault(
            f"the REPLICA IDENTITY of {name} is not FULL: large values that an update leaves alone are not captured",
            REPAIR,
        )
    if not state.has_truncate_trigger:
        yield Fault(f"{name} has no trigger {database.TRUNCATE_TRIGGER}: a TRUNCATE would not be noticed", REPAIR)
    if note and note.refresh:
        rows = "" if note.refresh == "deletions" else "may lack rows, and "
        yield Fault(f"the topic of {name} {rows}may have rows that are gone: {note.reason}", REPAIR)


def of_slot(slot: Slot | None) -> Iterator[Fault]:
    """What is wrong with the replication slot."""
    if slot is None:
        yield Fault(f"there is no replication slot {SLOT}: changes since it was dropped are in no topic", REPAIR)
    elif slot.lost:
        yield Fault(
            f"PostgreSQL has removed log that the replication slot {SLOT} needs: changes are lost",
            f"{REPAIR}, which begins with a snapshot",
        )
    elif not slot.active:
        yield Fault(f"no connector reads the replication slot {SLOT}", f"{LOGS}; then {REPAIR}")


def of_connector(state: ConnectorState, changed: tuple[str, ...]) -> Iterator[Fault]:
    """What is wrong with the connector."""
    if state.connector == "MISSING":
        yield Fault("Kafka Connect has no connector headrace", REPAIR)
    elif state.lost_its_place:
        yield Fault("PostgreSQL's log no longer has what the connector has not read: changes are lost", REPAIR)
    elif not state.runs:
        wrong = f"the connector is {state.connector}, its task {state.task}. {state.trace:.{MAX_TRACE}}".strip(" .")
        yield Fault(wrong, next_of_failure(state))
    if changed:
        more = f" and {len(changed) - SHOWN_SETTINGS} more" if len(changed) > SHOWN_SETTINGS else ""
        shown = ", ".join(f"{each:.80}" for each in changed[:SHOWN_SETTINGS])
        yield Fault(f"the connector has other settings than it should have: {shown}{more}", REPAIR)


def next_of_failure(state: ConnectorState) -> str:
    """A record stays in PostgreSQL's log whatever becomes of its row, so that a restart reads it again."""
    if not state.failed_on_record:
        return f"{LOGS}; then {REPAIR}"
    change = "make that row smaller" if "RecordTooLarge" in state.trace else "change that row or column"
    return f"{change}, then {BEGIN_AGAIN}"


def _of_heartbeats(kafka: str, now_s: float, known_s: float, max_age_s: float) -> Iterator[Fault]:
    try:
        newest = heartbeats.newest(kafka)
    except KafkaClientError as error:
        yield Fault(f"Kafka does not say whether changes arrive: {error}", "headrace logs kafka")
        return
    yield from of_heartbeat(newest, now_s, known_s, max_age_s)


def _of_rereads(kafka: str) -> Iterator[Fault]:
    try:
        stopped = rereads.stopped(kafka)
    except NotCaughtUp as error:
        yield Fault(str(error), "headrace logs kafka")
        return
    if stopped is not None:
        yield Fault(f"{stopped}: rows that were to be read again are not in their topic", REPAIR)


def of_heartbeat(
    newest: Heartbeat | None, now_s: float, known_s: float, max_age_s: float = MAX_HEARTBEAT_AGE_S
) -> Iterator[Fault]:
    """`known_s`: for how long tables have been captured."""
    age_s = known_s if newest is None else now_s - newest.beat_at
    if age_s > max_age_s:
        yield Fault(
            f"no heartbeat of PostgreSQL has arrived in Kafka for {age_s:.0f} s: the connector still reads a snapshot "
            "or an old log, or is stuck",
            f"look again in a minute; then {LOGS}",
        )
