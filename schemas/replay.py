"""Replays: which dead letters were sent back, so that none goes twice by accident."""

from pydantic import Field

from schemas.record import Record


class Replay(Record):
    """A dead letter that was sent back. Written in one transaction with the message that it speaks of."""

    schema_version: int = 1
    dead_letter: str = Field(description="partition:offset of the dead letter in dead-letters")
    destination: str = Field(description="the topic that it was sent to, or the store")
    replays: int = Field(description="the count that it carries: 1 for the first time")
    edited: bool = Field(False, description="whether its payload was changed")
    replayed_at: int = Field(description="ms since the epoch")
