"""Periods in which messages may be missing that no topic knows of: the MQTT broker lost a bridge's session."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from headrace.reconciliation.difference import Difference
from schemas.bridge_session import BridgeSession
from schemas.topics import TELEMETRY_RAW


def lost_periods(sessions: Mapping[str, BridgeSession], now_ms: int) -> Iterator[Difference]:
    """One for each loss since telemetry.raw reaches back.

    Parameters
    ----------
    sessions
        Client id -> its newest record.
    now_ms
        In ms since the epoch.
    """
    for client_id, session in sorted(sessions.items()):
        for loss in session.losses:
            if loss.until >= now_ms - TELEMETRY_RAW.retention_ms:
                yield Difference(
                    f"the MQTT broker lost the session of {client_id}: messages published between "
                    f"{_text(loss.since)} and {_text(loss.until)} may be missing"
                )


def _text(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
