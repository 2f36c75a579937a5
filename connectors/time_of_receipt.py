"""Times of receipt, which an entrance gives to messages: no two of a device share one, and none is far ahead.

Decided in docs/adr/0029 and docs/adr/0034.
"""

from schemas.payload_format import Codec
from schemas.source import Source

MAX_LEAD_MS = 1000
"""How far a device's times run ahead of the clock: a burst of so many messages goes through at once."""

MAX_WAIT_MS = 10_000
"""A clock that was set back by less is waited for; by more, its new time counts."""

_MARKS = {Codec.HEADRACE: b'"ts"'}
"""Of other formats whose source declares no time each message is taken for one without: it may have to wait, and
loses nothing."""


class DeviceClock:
    """The times of receipt of one device, or of one metric of it where the topic names the metric.

    Examples
    --------
    >>> from schemas.source import DEFAULT_SOURCE
    >>> clock = DeviceClock(4000)
    >>> clock.next(5000, DEFAULT_SOURCE, b"1"), clock.next(5000, DEFAULT_SOURCE, b"2")
    (5000, 5001)
    >>> DeviceClock(6000).next(5000, DEFAULT_SOURCE, b"1") is None
    True
    """

    __slots__ = ("last_ms",)

    def __init__(self, last_ms: int = 0) -> None:
        self.last_ms = last_ms
        """The latest time that was given out."""

    def next(self, now_ms: int, source: Source, payload: bytes) -> int | None:
        """The time of the next message, or None: ask again when the clock has moved on.

        A message that says itself when it was measured does not wait: its time of receipt identifies no reading, and
        may come twice.
        """
        lead_ms = self.last_ms - now_ms
        if lead_ms < 0 or lead_ms > MAX_LEAD_MS + MAX_WAIT_MS:
            self.last_ms = now_ms
            return now_ms
        if lead_ms < MAX_LEAD_MS:
            self.last_ms += 1
            return self.last_ms
        return now_ms + MAX_LEAD_MS if has_own_time(source, payload) else None


def has_own_time(source: Source, payload: bytes) -> bool:
    """Whether a payload says itself when it was measured, as far as that can be told without decoding it.

    Asked of devices alone that send over 1,000 messages a second.

    Examples
    --------
    >>> from schemas.source import DEFAULT_SOURCE
    >>> has_own_time(DEFAULT_SOURCE, b'{"metric":"t","value":1,"ts":1719800000123}')
    True
    >>> has_own_time(DEFAULT_SOURCE, b'{"metric":"t","value":1}')
    False
    """
    if source.time is not None:
        return True
    mark = _MARKS.get(source.codec)
    return mark is not None and mark in payload
