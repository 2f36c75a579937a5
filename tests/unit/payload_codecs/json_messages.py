"""What becomes of a payload in Headrace's own JSON: codec and validation together, as the job calls them."""

import json
from collections.abc import Mapping
from typing import Any

from payload_codecs.codec import Rejection
from payload_codecs.headrace_json import HeadraceJson
from payload_codecs.message import Message
from payload_codecs.validation import Outcome, Validator

NOW_MS = 1_790_000_000_000
T = 1_719_800_000_123
MAX_BYTES = 256 * 1024

CODEC = HeadraceJson()
VALIDATOR = Validator(CODEC.source)


def message(payload: bytes | str | Mapping[str, Any] | list[Any], device: str | None = "pump-7") -> Message:
    """A message of a payload, or of what is encoded as one."""
    if not isinstance(payload, bytes):
        payload = (payload if isinstance(payload, str) else json.dumps(payload)).encode()
    return Message(payload, device, received_at_ms=NOW_MS - 777, append_time_ms=NOW_MS)


def outcomes(payload: bytes | str | Mapping[str, Any] | list[Any], device: str | None = "pump-7") -> list[Outcome]:
    return VALIDATOR.readings(message(payload, device), CODEC)


def words(payload: bytes | str | Mapping[str, Any] | list[Any]) -> list[str]:
    """`reading`, or the reason of each item."""
    return [each.reason.value if isinstance(each, Rejection) else "reading" for each in outcomes(payload)]


def values(payload: bytes | str | Mapping[str, Any] | list[Any]) -> dict[str, float]:
    """Metric -> value, of the readings."""
    return {each.metric: each.value for each in outcomes(payload) if not isinstance(each, Rejection)}
