"""What a codec is given: one message as the device sent it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from schemas.limits import MAX_CLOCK_SKEW_MS

_NONE: Mapping[str, Any] = MappingProxyType({})

REPLAYS = "replays"
"""Header of what `headrace dlq` sends again: how often it did. Entrances write no such header, whatever a device sends.
"""

MAX_TIME_DIGITS = 19
"""From here on a number may have more than 64 bits."""

STEP_MS = 10_000
"""Longer than most messages take from the entrance to Kafka: a clock that is wrong by whole minutes or hours leaves
the true time of receipt."""


def received_at_ms(header: bytes | None, append_time_ms: int) -> int:
    """The time of the header `received_at`; the broker's where an entrance wrote none, or it is no such time.

    One that is further ahead of the broker's clock than an event time may be came from an entrance that had not seen
    yet how wrong its clock was (docs/adr/0034). It is taken back to the append time or up to 10 s before it, by whole
    10 s, which keep a device's times apart (docs/adr/0029).

    Examples
    --------
    >>> received_at_ms(b"1719800000123", 1719800000456), received_at_ms(b"noon", 5), received_at_ms(None, 5)
    (1719800000123, 5, 5)
    >>> received_at_ms(b"1719803600123", 1719800000456)  # the entrance's clock is an hour ahead
    1719800000123
    """
    if header is None or not header.isdigit() or len(header) >= MAX_TIME_DIGITS:
        return append_time_ms
    received = int(header)
    ahead_ms = received - append_time_ms
    if ahead_ms <= MAX_CLOCK_SKEW_MS:
        return received
    return received - -(-ahead_ms // STEP_MS) * STEP_MS


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

    @property
    def is_replay(self) -> bool:
        """Whether `headrace dlq` has sent it, and no device: only then may it be in a form of Headrace's own."""
        return REPLAYS in self.headers
