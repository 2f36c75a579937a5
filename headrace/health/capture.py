"""Change capture: whether the connector runs, and how much of PostgreSQL's log waits for it."""

from dataclasses import dataclass

from connectors.cdc import CaptureError, connector, database
from connectors.cdc.endpoints import CaptureEndpoints


@dataclass(frozen=True)
class CaptureFigures:
    """As PostgreSQL and Kafka Connect say."""

    connector: str = "UNKNOWN"
    task: str = "UNKNOWN"
    slot: str = "unknown"
    """active, inactive or missing."""
    unconfirmed_bytes: int = 0
    """Of PostgreSQL's log: written, and not in Kafka yet. A few hundred stay, the heartbeat's own."""
    held_bytes: int = 0
    """Of PostgreSQL's log: cannot be removed."""
    error: str = ""


def collect(endpoints: CaptureEndpoints) -> CaptureFigures:
    """An answer that does not come is in `error`."""
    try:
        slot, state = database.slot(endpoints), connector.state(endpoints)
    except CaptureError as error:
        return CaptureFigures(error=str(error))
    wrong = "" if state.runs else f"the connector is {state.connector}, its task {state.task}. {state.trace}".strip()
    if slot is None:
        return CaptureFigures(state.connector, state.task, "missing", error=wrong or "there is no replication slot")
    name = "active" if slot.active else "inactive"
    return CaptureFigures(state.connector, state.task, name, slot.unconfirmed_bytes, slot.held_bytes, wrong)
