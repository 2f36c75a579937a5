"""Ends the rows of a topic that its table no longer has: DROP TABLE and TRUNCATE log no row that goes.

Correct beside whoever writes to the table, without a lock: a row that is put back while its deletion is written may
stand before it in the topic, so what is there afterwards is read once more, behind it.
"""

import json
from collections.abc import Iterator

from connectors.kafka.clients import confirmed, producer
from connectors.kafka.scan import scan
from connectors.postgres_cdc import NotCaughtUp, database, rereads
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.tables import CapturedTable
from schemas.topics import Topic

BATCH = 10_000
GIVE_UP_AFTER_MS = 20_000


def end_gone_rows(endpoints: CaptureEndpoints, kafka: str, table: CapturedTable, within_s: float) -> int:
    """Write what change capture would have written of each row that is gone; how many there were.

    What the log says must be in the topic before this.

    Raises
    ------
    DatabaseUnavailable
    DatabaseRefuses
    NotCaughtUp
    RowsNotRead
    KafkaClientError
    """
    rows = sorted(_rows(kafka, table.topic))
    ended = 0
    for begin in range(0, len(rows), BATCH):
        with database.asking(endpoints) as asked:
            position, now_ms = database.position(asked)
            gone = sorted(database.gone(asked, table, rows[begin : begin + BATCH]))
        _write_deletions(kafka, table, gone, position, now_ms)
        with database.asking(endpoints) as asked:
            back = set(gone) - database.gone(asked, table, gone)
        if back:
            rereads.read_again(endpoints, kafka, table, sorted(back), within_s=within_s)
        ended += len(gone) - len(back)
    return ended


def _rows(kafka: str, topic: Topic) -> set[str]:
    """The keys of rows that the topic has and that are not deleted."""
    found: set[str] = set()
    for record in scan(kafka, topic):
        try:
            key = (record.key or b"").decode()
        except UnicodeDecodeError:
            continue  # not from PostgreSQL, whose text is UTF-8
        if record.value is None or _is_deletion(record.value):
            found.discard(key)
        elif "\0" not in key:  # nor is this, and PostgreSQL could not be asked about it
            found.add(key)
    return found


def _is_deletion(value: bytes) -> bool:
    if b'"__deleted"' not in value:
        return False
    try:
        row = json.loads(value)
    except ValueError:
        return False
    return isinstance(row, dict) and row.get("__deleted") == "true"


def _write_deletions(kafka: str, table: CapturedTable, gone: list[str], position: int, now_ms: int) -> None:
    if not gone:
        return
    client = producer(kafka, client_id="headrace-reconciliation", give_up_after_ms=GIVE_UP_AFTER_MS)
    try:
        sent = [
            client.send(table.topic.name, key=key.encode(), value=value)
            for key in gone
            for value in _deletion(table, key, position, now_ms)
        ]
        confirmed(sent, GIVE_UP_AFTER_MS / 1000)
    finally:
        client.close()


def _deletion(table: CapturedTable, key: str, position: int, now_ms: int) -> Iterator[bytes | None]:
    """The key with its mark, then no value, which lets compaction remove the key."""
    row = {table.key: key, "__deleted": "true", "__source_lsn": position, "__source_ts_ms": now_ms}
    yield json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
    yield None


def require_caught_up(newest_position: int | None, position: int) -> None:
    """Check that every change before a position of the log is in its topic.

    Raises
    ------
    NotCaughtUp
        When changes are missing.
    """
    if newest_position is None or newest_position < position:
        raise NotCaughtUp("the connector has not read PostgreSQL's log up to now yet")
