"""Event times as devices write them, in ms since the epoch."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from schemas.limits import MAX_EVENT_TIME_MS, MIN_EVENT_TIME_MS
from schemas.payload_format import TimeFormat
from schemas.source import Source

MAX_TEXT = 100
"""Characters of a time that is read. An ISO 8601 time with nanoseconds and zone has 35."""

MAX_POWER_OF_TEN = 30
"""Of a number: above it is a time in no unit, and too large to multiply."""

_ISO8601 = re.compile(
    r"(?:[0-9]{4}-?[0-9]{2}-?[0-9]{2}|[0-9]{4}-?W[0-9]{2}-?[1-7])[T ]"
    r"(?P<hour>[0-9]{2})(?P<rest>(?::?[0-9]{2}(?::?[0-9]{2}(?:[.,][0-9]*)?)?)?)"
    r"(?: ?(?:Z|[+\-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:\.[0-9]+)?)?)?))?"
)
"""A complete calendar or week date, and a clock. fromisoformat would read the fraction of a minute or an hour as one of
a second, and a week without a day as its Monday."""

_NUMBER = re.compile(r"[0-9eE+\-.]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
MS_PER_UNIT = {
    TimeFormat.MS: Decimal(1),
    TimeFormat.S: Decimal(1000),
    TimeFormat.US: Decimal("1e-3"),
    TimeFormat.NS: Decimal("1e-6"),
}


def time_reader(source: Source) -> Callable[[Any], int | None]:
    """A function from a time as sent to ms since the epoch; None where it is no time in the source's format.

    Fractions of a ms are cut.

    Examples
    --------
    >>> read = time_reader(Source(name="a", topic="a/{device}", time_format="auto"))
    >>> read(1719800000), read("1719800000123"), read("2024-07-01T02:13:20Z"), read("noon")
    (1719800000000, 1719800000123, 1719800000000, None)
    """
    zone = ZoneInfo(source.time_zone)
    match source.time_format:
        case TimeFormat.ISO8601:
            return lambda sent: iso8601_ms(sent, zone)
        case TimeFormat.AUTO:
            return lambda sent: _any_ms(sent, zone)
        case unit:
            return lambda sent: whole_number(sent, MS_PER_UNIT[unit])


def whole_number(sent: Any, factor: Decimal = Decimal(1)) -> int | None:
    """A number, or a number in a text, times a factor; a fraction is cut. None where there is none of 64 bits."""
    number = _decimal(sent)
    return int(number * factor) if number is not None and -(2**63) <= number * factor < 2**63 else None


def iso8601_ms(sent: Any, zone: tzinfo) -> int | None:
    """Of a date and a time in ISO 8601 or RFC 3339; without an offset in `zone`.

    None also for a local time that the zone skips, or has twice when a summer ends: nobody can know which was meant.
    """
    text = sent.strip().upper() if isinstance(sent, str) and len(sent) <= MAX_TEXT else ""
    try:
        moment = iso8601_moment(text)
        if moment.tzinfo is None:
            moment, other = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
            if moment.utcoffset() != other.utcoffset():
                return None
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None


def iso8601_moment(text: str) -> datetime:
    """Of a date and a time in ISO 8601 in upper case; aware if the text has an offset. 24:00 is the end of its day.

    Only seconds may have a fraction. 10:15.5 is 10:15:30 by ISO 8601, but devices that write 10:15.30 or 10.15 mean
    something else.

    Raises
    ------
    ValueError, OverflowError
        When it is no such time. Leap seconds have no ms since the epoch, and ordinal dates are not read.
    """
    found = _ISO8601.fullmatch(text)
    if found is None:
        raise ValueError(text)
    if found["hour"] != "24" or found["rest"].strip("0:.,"):
        return datetime.fromisoformat(text)
    at = found.start("hour")
    return datetime.fromisoformat(f"{text[:at]}00{text[at + 2 :]}") + timedelta(days=1)


def _any_ms(sent: Any, zone: tzinfo) -> int | None:
    """By magnitude: from 2010 to 2100 the numbers of s, ms, us and ns are far apart.

    Of a number that is between 2010 and 2100 in none of them the number itself, which is no plausible time in ms.
    """
    number = _decimal(sent)
    if number is None:
        return iso8601_ms(sent, zone)
    ms = (number * factor for factor in MS_PER_UNIT.values())
    return int(next((each for each in ms if MIN_EVENT_TIME_MS <= each <= MAX_EVENT_TIME_MS), number))


def _decimal(sent: Any) -> Decimal | None:
    """Exactly what was written: 1719800000.123 seconds are 123 ms, which binary fractions would make 122."""
    if isinstance(sent, bool) or not isinstance(sent, int | float | str):
        return None
    if isinstance(sent, int) and not -(2**64) < sent < 2**64:
        return None  # to write it as text would take quadratic time
    text = sent.strip(" ") if isinstance(sent, str) else repr(sent)
    if len(text) > MAX_TEXT or not _NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.adjusted() <= MAX_POWER_OF_TEN else None
