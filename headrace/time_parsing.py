"""Durations and moments as people write them on a command line."""

import re
from datetime import UTC, datetime

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration_s(text: str) -> float:
    """Seconds of a number with its unit.

    Raises
    ------
    ValueError
        That says what is taken.

    >>> duration_s("5m"), duration_s("1.5h")
    (300.0, 5400.0)
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd])", text.strip())
    if not found or not float(found[1]):
        raise ValueError(f"{text!r} is not a duration: give a number above 0 and s, m, h or d, for example 5m")
    return float(found[1]) * _UNITS_S[found[2]]


def moment_ms(text: str, now_ms: int) -> int:
    """Ms since the epoch of a duration before now, or of a time in ISO 8601, in UTC unless it says otherwise.

    Raises
    ------
    ValueError
        That says what is taken.

    >>> moment_ms("2h", now_ms=10_000_000), moment_ms("2026-09-21T14:13:20Z", now_ms=0)
    (2800000, 1790000000000)
    >>> moment_ms("9" * 400 + "d", now_ms=10_000_000)
    0
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0, int(moment.timestamp() * 1000))
    try:
        return max(0, now_ms - int(min(1000 * duration_s(text), now_ms)))
    except ValueError:
        raise ValueError(f"{text!r} is not a time: give a duration such as 2h, or 2026-09-21T14:00:00Z") from None
