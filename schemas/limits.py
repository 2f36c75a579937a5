"""Limits that more than one place applies: lengths, counts, and the bounds of event times."""

from datetime import UTC, datetime

MIN_EVENT_TIME_MS = 1_262_304_000_000
"""2010-01-01T00:00:00Z: what is before it is in seconds, or from a clock that was never set."""

MIN_TRAINING_TIME_MS = 631_152_000_000
"""1990-01-01T00:00:00Z, for files to train on: public data sets are older than any stream (MovieLens-100K is of 1997).

In ms it is still above every time in seconds, so that the two are told apart by their size.
"""

MAX_EVENT_TIME_MS = 4_102_444_800_000
"""2100-01-01T00:00:00Z: keeps times inside what a timestamp of Flink holds. The clock skew is the bound that counts."""

MAX_CLOCK_SKEW_MINUTES = 5
MAX_CLOCK_SKEW_MS = MAX_CLOCK_SKEW_MINUTES * 60 * 1000
"""How far a clock may be ahead of ours: a time of next year would be the newest for a year."""

MAX_NAME_LENGTH = 200
"""Characters of a device, a metric, a user, an item, an action, and of any id that a record has.

Each is kept in state, and some in the keys of a store.
"""

PAYLOAD_BYTES = 256 * 1024
"""Of a message, at most, unless the settings of the bridge or the listener say otherwise."""

MAX_MESSAGE_ITEMS = 10_000
"""Readings that one message holds."""

MAX_LIST_ITEMS = 50
"""Items of a list of recommendations: what the job writes at most, and a client can ask for."""

MAX_METRICS = 1000
"""Metrics of one device in Redis: bounds the memory that one device can take to about 200 kB."""

MAX_ALERTS = 200
"""Anomalies of one device in Redis: the newest by event time stay."""

MAX_RECENT_ALERTS = 10_000
"""Anomalies of all devices in Redis, to list without a device: the newest by event time stay."""

_UNITS = (("seconds", 1e3), ("microseconds", 1e-3), ("nanoseconds", 1e-6))


def event_time_fault(time_ms: float, now_ms: int, min_ms: int = MIN_EVENT_TIME_MS) -> str | None:
    """What is wrong with an event time, or None. It names the unit that the number has, where another one fits.

    >>> event_time_fault(1_719_800_000_000, now_ms=1_790_000_000_000)
    >>> event_time_fault(1_719_800_000, now_ms=1_790_000_000_000)
    'is before 2010 and looks like seconds, not milliseconds'
    >>> event_time_fault(1_791_000_000_000, now_ms=1_790_000_000_000)
    'is over 5 minutes in the future'
    """
    max_ms = now_ms + MAX_CLOCK_SKEW_MS
    if min_ms <= time_ms <= max_ms:
        return None
    first = datetime.fromtimestamp(min_ms / 1000, UTC)
    fault = f"is before {first.year}" if time_ms < min_ms else f"is over {MAX_CLOCK_SKEW_MINUTES} minutes in the future"
    unit = next((name for name, factor in _UNITS if min_ms <= time_ms * factor <= max_ms), None)
    return fault if unit is None else f"{fault} and looks like {unit}, not milliseconds"
