"""The records of a micro-batch of recommend_items, as its SQL gathers them (jobs/recommend_items.sql, `arrivals`)."""

from flink.framing import Frame
from jobs.operators.quarantine import RecordPositions
from models.recommend.online.events import LiveRecord


def live_records(batch: bytes) -> list[LiveRecord]:
    """The records of a micro-batch.

    Raises
    ------
    ValueError
        When the bytes are not a micro-batch.
    """
    frame = Frame(batch, len(LiveRecord._fields))
    place = frame.numbers(1), frame.numbers(2)
    rows = zip(frame.texts(0), *place, frame.numbers(3), frame.texts(4), frame.fields(5), strict=True)
    return list(map(LiveRecord._make, rows))


def live_positions(batch: bytes) -> RecordPositions:
    """Where they stand. Raises ValueError for bytes that are no such batch."""
    frame = Frame(batch, len(LiveRecord._fields))
    return RecordPositions([topic or "" for topic in frame.texts(0)], frame.numbers(1), frame.numbers(2))
