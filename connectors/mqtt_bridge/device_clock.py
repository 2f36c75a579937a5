"""The time of receipt that the bridge gives a message: no two of a device share one, and none is far ahead (ADR 29)."""

from collections.abc import Callable

MAX_LEAD_MS = 1000
"""How far a device's times run ahead of the clock: a burst of so many messages goes through at once."""

MAX_WAIT_MS = 10_000
"""A clock that was set back by less is waited for; by more, its new time counts."""


def time_of_receipt(now_ms: int, last_ms: int, has_own_time: Callable[[], bool]) -> int | None:
    """The time of a device's next message, or None: ask again when the clock has moved on.

    Parameters
    ----------
    now_ms
        The wall clock.
    last_ms
        The latest time that a message of this device got.
    has_own_time
        Whether the payload says when it was measured, so that this time identifies no reading and may come twice.

    Examples
    --------
    >>> time_of_receipt(5000, 4000, lambda: False), time_of_receipt(5000, 5000, lambda: False)
    (5000, 5001)
    >>> time_of_receipt(5000, 6000, lambda: False) is None
    True
    """
    lead_ms = last_ms - now_ms
    if lead_ms < 0 or lead_ms > MAX_LEAD_MS + MAX_WAIT_MS:
        return now_ms
    if lead_ms < MAX_LEAD_MS:
        return last_ms + 1
    return now_ms + MAX_LEAD_MS if has_own_time() else None
