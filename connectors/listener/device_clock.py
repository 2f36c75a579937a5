"""Receipt times of a device: strictly increasing, and never far ahead of the wall clock."""

MAX_LEAD_MS = 1000
"""A clock that was set back, or a device with 1,000 messages a second, must not get times that are refused later."""


class DeviceClock:
    """Stands in as the event time of payloads without one: two of a device may not have the same."""

    __slots__ = ("last_ms",)

    def __init__(self, last_ms: int = 0) -> None:
        self.last_ms = last_ms

    def received_at(self, now_ms: int) -> int:
        """`now_ms`, or 1 ms after the last one; `now_ms` again where that would be over 1 s ahead."""
        last_ms = self.last_ms
        if now_ms <= last_ms < now_ms + MAX_LEAD_MS:
            now_ms = last_ms + 1
        self.last_ms = now_ms
        return now_ms
