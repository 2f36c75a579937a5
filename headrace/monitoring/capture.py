"""Change capture: what keeps changes from being captured, and how much of PostgreSQL's log waits for the connector."""

from dataclasses import dataclass

from connectors.postgres_cdc import CaptureError, connector, database, inspection
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.inspection import Fault


@dataclass(frozen=True)
class CaptureFigures:
    """As PostgreSQL, Kafka Connect and Kafka say."""

    connector: str = "UNKNOWN"
    task: str = "UNKNOWN"
    slot: str = "unknown"
    """active, inactive, lost or missing."""
    unconfirmed_bytes: int = 0
    """Of PostgreSQL's log: written, and not in Kafka yet. A few hundred stay, the heartbeat's own."""
    held_bytes: int = 0
    """Of PostgreSQL's log: cannot be removed."""
    error: str = ""
    """Why it is not known whether changes are captured; or the faults, in one line."""
    faults: tuple[Fault, ...] = ()


def collect(endpoints: CaptureEndpoints, kafka: str) -> CaptureFigures:
    """An answer that does not come is in `error`."""
    try:
        slot, state = database.slot(endpoints), connector.state(endpoints)
        faults = tuple(inspection.inspect(endpoints, kafka))
    except CaptureError as error:
        return CaptureFigures(error=str(error))
    wrong = "; ".join(fault.wrong for fault in faults)
    if slot is None:
        return CaptureFigures(state.connector, state.task, "missing", error=wrong, faults=faults)
    name = "lost" if slot.lost else "active" if slot.active else "inactive"
    return CaptureFigures(state.connector, state.task, name, slot.unconfirmed_bytes, slot.held_bytes, wrong, faults)
