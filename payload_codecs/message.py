"""What a codec is given: one message as the device sent it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

_NONE: Mapping[str, Any] = MappingProxyType({})

MAX_TIME_DIGITS = 19
"""From here on a number may have more than 64 bits."""


def received_at_ms(header: bytes | None, append_time_ms: int) -> int:
    """The time of the header `received_at`; the broker's where an entrance wrote none, or it is no time.

    Examples
    --------
    >>> received_at_ms(b"1719800000123", 5), received_at_ms(b"noon", 5), received_at_ms(None, 5)
    (1719800000123, 5, 5)
    """
    is_time = header is not None and header.isdigit() and len(header) < MAX_TIME_DIGITS
    return int(header) if header is not None and is_time else append_time_ms


class Message(msgspec.Struct, gc=False):
    """A record of telemetry.raw.

    Parameters
    ----------
    payload
        The bytes, untouched.
    device
        From the named levels of the topic; None where the payload names it.
    topic
        The MQTT topic, or the path of an HTTP request. Empty where neither is known.
    levels
        The named levels of the topic by the source's pattern, for example {"line": "4", "metric": "torque"}.
    received_at_ms
        The entrance's clock, which gives a device no ms twice: the event time of samples without one.
    append_time_ms
        The broker's clock: event times may be at most 5 minutes later.
    headers
        Of the record, for formats that put attributes there (CloudEvents in binary mode).
    """

    payload: bytes
    device: str | None
    topic: str = ""
    levels: Mapping[str, str] = _NONE
    received_at_ms: int = 0
    append_time_ms: int = 0
    headers: Mapping[str, bytes] = _NONE
