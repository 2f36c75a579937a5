"""Dead letters of messages of telemetry.raw, written out in the Python worker as the JSON of schemas.dead_letter."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from jobs.names import CLEAN_TELEMETRY
from payload_codecs.codec import Rejection
from payload_codecs.message import REPLAYS
from payload_codecs.valid_reading import ItemPosition
from schemas.dead_letter import DeadLetter, bounded_original

STAGE = CLEAN_TELEMETRY

_write = msgspec.json.Encoder().encode


class MessageFields(NamedTuple):
    """What a dead letter says of its message, beside the position of its item."""

    key: str | None
    payload: bytes
    headers: Mapping[str, bytes]
    first_seen: int


def dead_letter(rejection: Rejection, origin: MessageFields, position: ItemPosition) -> bytes:
    """The value for dead-letters. Bytes are in base64; fields without a value are left out."""
    letter = {
        "schema_version": DeadLetter.SCHEMA_VERSION,
        "reason": str(rejection.reason),
        "detail": rejection.detail,
        "stage": STAGE,
        "device": origin.key,
        **bounded_original(origin.payload if rejection.original is None else rejection.original),
        "headers": dict(origin.headers),
        "position": position,
        "first_seen": origin.first_seen,
        "replays": replays(origin.headers),
    }
    return _write({name: value for name, value in letter.items() if value is not None})


def replays(headers: Mapping[str, bytes]) -> int:
    """How often `headrace dlq` has sent a message back; 0 where the header is none of its own.

    Examples
    --------
    >>> replays({"replays": b"2"}), replays({"replays": b"often"}), replays({})
    (2, 0, 0)
    """
    count = headers.get(REPLAYS, b"")
    return int(count) if count.isdigit() and len(count) < 10 else 0
