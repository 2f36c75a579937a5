"""Dead letters: what could not be used, with its bytes, the reason, and the way back."""

import hashlib
from typing import Any, NamedTuple

from pydantic import Field, field_validator

from schemas.record import Position, Record
from schemas.reject_reasons import RejectReason

MAX_ORIGINAL_BYTES = 4 * 1024 * 1024
"""Above this a dead letter keeps only the head of the original, its length and its SHA-256."""

KEPT_HEAD_BYTES = 64 * 1024


class DeadLetter(Record):
    """A record that a stage refused. A replayable `original` sent to `position.topic` runs through the stage again."""

    schema_version: int = 1
    reason: RejectReason
    detail: str | None = Field(None, description="what exactly was wrong, for a person")
    stage: str = Field(description="the job or process that refused it")
    device: str | None = Field(None, description="key of the source record")
    original: bytes | None = Field(None, description="the bytes as they came, base64 in JSON")
    original_size: int = Field(0, description="bytes, also where only the head is kept")
    original_sha256: str | None = Field(None, description="set where only the head is kept")
    replayable: bool = Field(True, description="false where only the head is kept, and of rows of change capture")
    headers: dict[str, bytes] = Field(default_factory=dict, description="of the source record, base64 in JSON")
    position: Position | None = Field(None, description="null where the record never reached a topic")
    first_seen: int = Field(description="ms since the epoch when the source record was stored")
    replays: int = Field(0, description="how often it was replayed before")

    @field_validator("headers", mode="before")
    @classmethod
    def _without_null_headers(cls, headers: Any) -> Any:
        """A Kafka header may have no value. Other producers write such ones, and they carry nothing."""
        if isinstance(headers, dict):
            return {name: value for name, value in headers.items() if value is not None}
        return {} if headers is None else headers


def bounded_original(payload: bytes) -> dict[str, object]:
    """The fields of a DeadLetter that hold `payload`, whole up to 4 MiB, else head, length and SHA-256."""
    if len(payload) <= MAX_ORIGINAL_BYTES:
        return {"original": payload, "original_size": len(payload)}
    return {
        "original": payload[:KEPT_HEAD_BYTES],
        "original_size": len(payload),
        "original_sha256": hashlib.sha256(payload).hexdigest(),
        "replayable": False,
    }


class RefusedRecord(NamedTuple):
    """A record that a job refuses for good: its dead letter is never replayed.

    Parameters
    ----------
    topic, partition, offset
        Where the record stands.
    first_seen
        Ms since the epoch, as in its dead letter.
    """

    reason: RejectReason
    detail: str
    topic: str
    partition: int
    offset: int
    first_seen: int
    key: str | None
    original: bytes

    def dead_letter(self, stage: str) -> tuple[bytes, bytes]:
        """Key and JSON of its dead letter, for `stage` that refused it."""
        fields = bounded_original(self.original) | {"replayable": False}
        dead_letter = DeadLetter(
            reason=self.reason, detail=self.detail, stage=stage, device=self.key,
            position=Position(topic=self.topic, partition=self.partition, offset=self.offset),
            first_seen=self.first_seen, **fields,
        )  # fmt: skip
        return (self.key or "").encode(), dead_letter.model_dump_json(exclude_none=True).encode()
