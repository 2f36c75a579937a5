"""Event times as devices write them, in ms since the epoch."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from schemas.limits import MAX_EVENT_TIME_MS, MIN_EVENT_TIME_MS
from schemas.source import Source, TimeFormat

MAX_TEXT = 100
"""Characters of a time that is read. An ISO 8601 time with nanoseconds and zone has 35."""

MAX_POWER_OF_TEN = 30
"""Of a number: above it is a time in no unit, and too large to multiply."""

INT64 = range(-(2**63), 2**63)

_NUMBER = re.compile(r"[0-9eE+\-.]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FACTORS = {
    TimeFormat.MS: Decimal(1),
    TimeFormat.S: Decimal(1000),
    TimeFormat.US: Decimal("1e-3"),
    TimeFormat.NS: Decimal("1e-6"),
}


class NoTime(ValueError):
    """What was sent is no time in the source's format."""


class ImplausibleTime(ValueError):
    """A number that is between 2010 and 2100 in none of the units."""


def time_reader(source: Source) -> Callable[[Any], int]:
    """A function from a time as sent to ms since the epoch. Fractions of a ms are cut.

    The function raises NoTime, and ImplausibleTime with TimeFormat.AUTO.

    Examples
    --------
    >>> read = time_reader(Source(name="a", topic="a/{device}", time_format="auto"))
    >>> read(1719800000), read("1719800000123"), read("2024-07-01T02:13:20Z")
    (1719800000000, 1719800000123, 1719800000000)
    """
    zone = ZoneInfo(source.time_zone)
    match source.time_format:
        case TimeFormat.ISO8601:
            return lambda sent: iso8601_ms(sent, zone)
        case TimeFormat.AUTO:
            return lambda sent: _any_ms(sent, zone)
        case unit:
            return lambda sent: _in_int64(_decimal(sent) * _FACTORS[unit])


def whole_number(sent: Any) -> int | None:
    """A 64-bit whole number of a number or of a number in a text; a fraction is cut. None where there is none."""
    try:
        return _in_int64(_decimal(sent))
    except NoTime:
        return None


def iso8601_ms(sent: Any, zone: tzinfo) -> int:
    """Of a date and a time in ISO 8601 or RFC 3339; without an offset in `zone`.

    A local time that the zone skips, or has twice when a summer ends, is no time: nobody can know which was meant.
    """
    text = sent.strip().upper() if isinstance(sent, str) and len(sent) <= MAX_TEXT else ""
    if not re.search(r"[T ]", text):
        raise NoTime
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = _in_zone(moment, zone)
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise NoTime from None


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise NoTime
    return first


def _any_ms(sent: Any, zone: tzinfo) -> int:
    """By magnitude: from 2010 to 2100 the numbers of s, ms, us and ns are far apart."""
    try:
        number = _decimal(sent)
    except NoTime:
        return iso8601_ms(sent, zone)
    for factor in _FACTORS.values():
        if MIN_EVENT_TIME_MS <= number * factor <= MAX_EVENT_TIME_MS:
            return int(number * factor)
    raise ImplausibleTime


def _decimal(sent: Any) -> Decimal:
    """Exactly what was written: 1719800000.123 seconds are 123 ms, which binary fractions would make 122."""
    if isinstance(sent, bool) or not isinstance(sent, int | float | str):
        raise NoTime
    if isinstance(sent, int) and sent not in INT64:
        raise NoTime
    text = sent.strip(" ") if isinstance(sent, str) else repr(sent)
    if len(text) > MAX_TEXT or not _NUMBER.fullmatch(text):
        raise NoTime
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise NoTime from None
    if number.adjusted() > MAX_POWER_OF_TEN:
        raise NoTime
    return number


def _in_int64(number: Decimal) -> int:
    if not -(2**63) <= number < 2**63:
        raise NoTime
    return int(number)
