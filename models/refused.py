"""Records that a stage refuses, and the dead letters that they become where no replay of them would be right."""

from typing import NamedTuple

from schemas.dead_letter import DeadLetter, bounded_original
from schemas.record import Position
from schemas.reject_reasons import RejectReason


class Refused(NamedTuple):
    """A record, why it is refused, and where it stands. `first_seen`: ms since the epoch, as the dead letter has it."""

    reason: RejectReason
    detail: str
    topic: str
    partition: int
    offset: int
    first_seen: int
    key: str | None
    original: bytes


def dead_letter(refused: Refused, stage: str) -> tuple[bytes, bytes]:
    """Key and JSON of its dead letter."""
    letter = DeadLetter(
        reason=refused.reason, detail=refused.detail, stage=stage, device=refused.key,
        position=Position(topic=refused.topic, partition=refused.partition, offset=refused.offset),
        first_seen=refused.first_seen, **{**bounded_original(refused.original), "replayable": False},
    )  # fmt: skip
    return (refused.key or "").encode(), letter.model_dump_json(exclude_none=True).encode()
