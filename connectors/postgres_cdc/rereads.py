"""Has Debezium read rows once more, without changing them, and proves by its notifications that it did.

Debezium reads them in chunks beside the changes (an incremental snapshot) and resumes after a restart. A table that it
cannot read it skips, and an incremental snapshot that waits for something that never comes stops every later one, while
changes flow as ever. So a request alone proves nothing.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from connectors.kafka.clients import KafkaClientError
from connectors.kafka.tail import tail
from connectors.postgres_cdc import ConnectUnavailable, NotCaughtUp, RowsNotRead, connector, database, heartbeats
from connectors.postgres_cdc.database import ReadRequest
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.settings import CaptureSettings
from connectors.postgres_cdc.tables import NOTIFICATIONS, CapturedTable

POLL_S = 0.5
LAST_OFFSETS = 200
INCREMENTAL = "Incremental Snapshot"
WAS_READ = ("SUCCEEDED", "EMPTY")


class Notification(NamedTuple):
    """How a snapshot goes, as Debezium reports it."""

    id: str
    """Of an incremental snapshot: that of the request."""
    kind: str
    type: str
    status: str
    """How a table ended, in TABLE_SCAN_COMPLETED."""
    at: float
    """Seconds since the epoch."""


def notifications(kafka: str) -> list[Notification]:
    """The newest ones, oldest first.

    Raises
    ------
    KafkaClientError
    """
    records = tail(kafka, NOTIFICATIONS, committed=True, offsets=LAST_OFFSETS)
    return [_notification(orjson.loads(record.value)) for each in records.values() for record in each if record.value]


def _notification(value: dict[str, Any]) -> Notification:
    status = (value.get("additional_data") or {}).get("status", "")
    return Notification(value["id"], value["aggregate_type"], value["type"], status, value["timestamp"] / 1000)


def was_read(found: Sequence[Notification], request: str) -> bool:
    """Whether the rows of that request have been read.

    Raises
    ------
    RowsNotRead
        If it has ended otherwise.
    """
    for each in found:
        if each.id != request:
            continue
        if each.type == "TABLE_SCAN_COMPLETED" and each.status in WAS_READ:
            return True
        if each.type in ("TABLE_SCAN_COMPLETED", "ABORTED"):
            raise RowsNotRead(f"Debezium ended the incremental snapshot with {each.status or each.type}")
    return False


def read_again(
    endpoints: CaptureEndpoints,
    kafka: str,
    table: CapturedTable,
    keys: Sequence[str] = (),
    *,
    within_s: float,
    stalls_after_s: float | None = None,
) -> int:
    """Return once rows of the table, all or those with these keys, are in the topic as they are; how many there were.

    `within_s` bounds how long the connector may need to get to the request, `stalls_after_s` how long the reading may
    make no progress after that, that of CaptureSettings if it is None; a large table may take as long as it does.

    Raises DatabaseUnavailable, DatabaseRefuses, KafkaClientError, NotCaughtUp, and RowsNotRead, which a new snapshot
    fixes.
    """
    if stalls_after_s is None:
        stalls_after_s = CaptureSettings().stalls_after_s
    until = time.monotonic() + within_s
    with database.asking(endpoints) as asked:
        # Debezium reports under the id of the newest request, so there is one at a time.
        while not database.may_request_rows(asked):
            if time.monotonic() > until:
                raise NotCaughtUp("another command has rows read again")
            time.sleep(POLL_S)
        request = database.request_rows(asked, table, keys)
        if request is None:
            return 0
        _wait_until_read(endpoints, kafka, request, until, stalls_after_s)
    return request.rows


def _wait_until_read(
    endpoints: CaptureEndpoints, kafka: str, request: ReadRequest, until: float, stalls_after_s: float
) -> None:
    newest: Notification | None = None
    progress_at: float | None = None
    """When it was seen last; None until the connector has got to the request."""
    while True:
        found = notifications(kafka)
        if was_read(found, request.id):
            return
        now = time.monotonic()
        if progress_at is None:
            beat = heartbeats.newest(kafka)
            if beat is not None and beat.position >= request.position:
                progress_at = now
            elif now > until or _has_failed(endpoints):
                raise NotCaughtUp("the connector has not got to the request to read rows again yet")
        elif found and found[-1] != newest:
            progress_at = now
        elif now - progress_at > stalls_after_s:
            raise RowsNotRead(f"Debezium's incremental snapshot has made no progress for {stalls_after_s:.0f} s")
        newest = found[-1] if found else None
        time.sleep(POLL_S)


def _has_failed(endpoints: CaptureEndpoints) -> bool:
    try:
        return connector.state(endpoints).task == "FAILED"
    except ConnectUnavailable:  # it may be starting again
        return False


def what_stopped(found: Sequence[Notification], now_s: float, stalls_after_s: float) -> str | None:
    """Why the newest incremental snapshot has not read its rows, or will not; None: it has, or makes progress."""
    found = [each for each in found if each.type != "SKIPPED"]  # at each restart: there is no initial snapshot to take
    if not found or found[-1].kind != INCREMENTAL:
        return None
    newest = found[-1]
    ended = newest.type in ("COMPLETED", "ABORTED")
    if not ended and now_s - newest.at > stalls_after_s:
        return f"an incremental snapshot has made no progress for {now_s - newest.at:.0f} s"
    scans = [each for each in found if each.id == newest.id and each.type == "TABLE_SCAN_COMPLETED"]
    if scans and scans[-1].status not in WAS_READ:
        return f"Debezium ended an incremental snapshot with {scans[-1].status}"
    return None


def stopped(kafka: str) -> str | None:
    """As `what_stopped`, of now.

    Raises
    ------
    NotCaughtUp
        If Kafka does not answer.
    """
    try:
        return what_stopped(notifications(kafka), time.time(), CaptureSettings().stalls_after_s)
    except KafkaClientError as error:
        raise NotCaughtUp(str(error)) from error
