"""Reads bridge.sessions: the newest record of each client id."""

import logging
from collections.abc import Iterable

from connectors.kafka.scan import scan
from connectors.kafka.tail import tail
from schemas.bridge_session import BridgeSession
from schemas.topics import BRIDGE_SESSIONS, UnreadableRecord, read_record

log = logging.getLogger(__name__)

NEWEST_RECORDS = 1000
"""A bridge writes one each 30 s."""


def bridge_sessions(bootstrap: str) -> dict[str, BridgeSession]:
    """Client id -> its newest record. Raises KafkaClientError."""
    return _newest(record.value for record in scan(bootstrap, BRIDGE_SESSIONS))


def newest_of(bootstrap: str, client_id: str) -> BridgeSession | None:
    """The newest record of a bridge that runs. Raises KafkaClientError."""
    partitions = tail(bootstrap, BRIDGE_SESSIONS.name, committed=True, offsets=NEWEST_RECORDS)
    return _newest(record.value for records in partitions.values() for record in records).get(client_id)


def _newest(values: Iterable[bytes | None]) -> dict[str, BridgeSession]:
    newest: dict[str, BridgeSession] = {}
    for value in values:
        record = _record(value)
        if record is not None:
            newest[record.client_id] = record
    return newest


def _record(value: bytes | None) -> BridgeSession | None:
    """None for what is no record of a bridge: another producer wrote it, and it says nothing of a session."""
    try:
        record = read_record(BRIDGE_SESSIONS.name, value)
    except UnreadableRecord as error:
        log.warning("Skipped a record: %s", error, extra={"topic": BRIDGE_SESSIONS.name})
        return None
    return record if isinstance(record, BridgeSession) else None
