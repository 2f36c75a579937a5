"""Repairs what keeps changes from being captured, and brings the topics up to date with the tables."""

import time
from collections.abc import Callable, Iterator

from connectors.kafka.clients import KafkaClientError
from connectors.postgres_cdc import (
    ConnectorRefused,
    ConnectUnavailable,
    NotCaughtUp,
    RowsNotRead,
    connector,
    database,
    heartbeats,
    rereads,
)
from connectors.postgres_cdc.connector import ConnectorState
from connectors.postgres_cdc.database import Note
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.inspection import MAX_HEARTBEAT_AGE_S
from connectors.postgres_cdc.reconciliation import end_gone_rows, require_caught_up
from connectors.postgres_cdc.tables import CAPTURED, CapturedTable

POLL_S = 0.5


def repair(
    endpoints: CaptureEndpoints,
    kafka: str,
    password: str,
    report: Callable[[str], None],
    *,
    runs_within_s: float,
    catches_up_within_s: float,
) -> None:
    """Everything that `inspection.inspect` may find, as far as it can be repaired.

    Where an incremental snapshot does not read the rows, or is stuck, a new snapshot of all tables reads them.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    SlotInUse
    ConnectUnavailable
    ConnectorRefused
    NotCaughtUp
    RowsNotRead
    """

    def once() -> None:
        database.prepare(endpoints)
        start_connector(endpoints, password)
        wait_until_it_runs(endpoints, runs_within_s)
        refresh(endpoints, kafka, catches_up_within_s, report)

    try:
        once()
        reason = rereads.stopped(kafka)
    except RowsNotRead as error:
        reason = str(error)
    if reason is not None:
        report(f"{reason}. The connector begins again with a snapshot of all rows.")
        database.note_snapshot(endpoints, reason)
        once()


def start_connector(endpoints: CaptureEndpoints, password: str) -> ConnectorState:
    """The connector as it should be, and started if it failed or was paused; its state a moment later.

    Where the slot is of no use any more, as `database.prepare` or the connector found, it begins with a snapshot.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    ConnectUnavailable
    ConnectorRefused
    SlotInUse
        While the slot is not free yet.
    """
    if connector.changed_settings(endpoints):  # what it says of its place is true of those settings: of another slot
        connector.register(endpoints, password)
    if connector.state(endpoints).lost_its_place:
        database.note_snapshot(endpoints, "PostgreSQL's log lacks what the connector has not read")
    if database.needs_snapshot(endpoints):
        connector.register(endpoints, password, stopped=True)
        connector.remove(endpoints)
        database.drop_slot(endpoints)
        database.note_snapshot_begins(endpoints)
    connector.register(endpoints, password)
    connector.resume(endpoints)
    found = connector.state(endpoints)
    if "FAILED" in (found.connector, found.task):
        connector.restart(endpoints)
    return found


def wait_until_it_runs(endpoints: CaptureEndpoints, within_s: float) -> None:
    """Wait until connector and task run.

    Raises
    ------
    ConnectorRefused
        When the task fails.
    ConnectUnavailable
        When it does not run within `within_s`.
    """
    until = time.monotonic() + within_s
    while not (found := connector.state(endpoints)).runs:
        if time.monotonic() > until:
            wrong = f"the connector is {found.connector}, its task {found.task}. {found.trace}".strip(" .")
            raise (ConnectorRefused if found.task == "FAILED" else ConnectUnavailable)(wrong)
        time.sleep(POLL_S)


def refresh(
    endpoints: CaptureEndpoints, kafka: str, within_s: float, report: Callable[[str], None], *, prove: bool = True
) -> None:
    """Return once changes arrive, and the topics of the tables that are noted for it are as the tables are.

    Without `prove`, a recent heartbeat is enough. What is not done stays noted, and `inspection.inspect` finds it.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    ConnectUnavailable
    RowsNotRead
    NotCaughtUp
        If the connector does not read up to now in time.
    """
    try:
        noted = list(_noted(endpoints))
        if not (noted or prove) and _beats(kafka):
            return
        with database.asking(endpoints) as asked:
            position, _ = database.position(asked)
        _wait_until_caught_up(endpoints, kafka, position, within_s)
        for note, table in noted:
            _refresh_table(endpoints, kafka, note, table, within_s, report)
    except KafkaClientError as error:
        raise NotCaughtUp(str(error)) from error


def _refresh_table(
    endpoints: CaptureEndpoints,
    kafka: str,
    note: Note,
    table: CapturedTable,
    within_s: float,
    report: Callable[[str], None],
) -> None:
    if note.refresh == "rows":
        count = rereads.read_again(endpoints, kafka, table, within_s=within_s)
        report(f"{table.qualified}: {note.reason}. Rows that were read again: {count:,}")
    ended = end_gone_rows(endpoints, kafka, table, within_s)
    report(f"{table.qualified}: {note.reason}. Rows that are gone, deleted from the topic: {ended:,}")
    with database.asking(endpoints) as asked:
        database.end_refresh(asked, note)


def _beats(kafka: str) -> bool:
    newest = heartbeats.newest(kafka)
    return newest is not None and time.time() - newest.beat_at < MAX_HEARTBEAT_AGE_S


def _noted(endpoints: CaptureEndpoints) -> Iterator[tuple[Note, CapturedTable]]:
    tables = {table.name: table for table in CAPTURED}
    with database.asking(endpoints) as asked:
        for note in database.notes(asked):
            table = tables.get(note.table)
            state = database.table_state(asked, table) if table else None
            can_read = state and state.is_table and state.has_key_column and state.is_readable
            if table and state and can_read and note.refresh and state.oid == note.oid:
                yield note, table


def _wait_until_caught_up(endpoints: CaptureEndpoints, kafka: str, position: int, within_s: float) -> None:
    until = time.monotonic() + within_s
    while True:
        newest = heartbeats.newest(kafka)
        try:
            return require_caught_up(newest.position if newest else None, position)
        except NotCaughtUp:
            if time.monotonic() > until or connector.state(endpoints).task == "FAILED":
                raise
        time.sleep(POLL_S)
