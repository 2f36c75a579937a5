"""Patterns of strptime that fit a cell, for a person to choose from."""

import re
from datetime import UTC, datetime

from schemas.limits import MIN_EVENT_TIME_MS

_NUMERIC = re.compile(
    r"(?P<d1>[0-9]{1,4})([./ -])(?P<d2>[0-9]{1,2}|[A-Za-z]{3,9})\2(?P<d3>[0-9]{1,4})"
    r"(?:[T, ]+(?P<hour>[0-9]{1,2})[:.](?P<M>[0-9]{2})(?:[:.](?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,6}))?)?"
    r"\s*(?P<p>[AaPp]\.?[Mm]\.?)?)?"
)
MIN_YEAR = datetime.fromtimestamp(MIN_EVENT_TIME_MS / 1000, UTC).year
_ORDERS = ("dmy", "mdy", "ymd")
_HALF_WITH_POINTS = re.compile(r"(?<![A-Za-z])([AaPp])\.?[Mm]\.?(?![A-Za-z])")


def suggested_patterns(cell: str) -> list[str]:
    """At most two patterns that read a cell, day first before month first; a date with points has the day first.

    Examples
    --------
    >>> suggested_patterns("3/4/26 1:30 PM")
    ['%d/%m/%y %I:%M %p', '%m/%d/%y %I:%M %p']
    >>> suggested_patterns("soon")
    []
    """
    found = _NUMERIC.fullmatch(cell)
    if found is None:
        return []
    orders = _ORDERS[:1] if found[2] == "." and len(found["d1"]) < 3 else _ORDERS
    years = {pattern: _year(cell, pattern) for pattern in (_pattern(found, order) for order in orders)}
    fitting = [pattern for pattern, year in years.items() if year is not None]
    plausible = [pattern for pattern in fitting if MIN_YEAR <= (years[pattern] or 0) <= datetime.now(UTC).year]
    return (plausible or fitting)[:2]


def plain_half(cell: str) -> str:
    """A cell with `p.m.` as `pM`, which %p reads."""
    return _HALF_WITH_POINTS.sub(r"\1M", cell)


def _pattern(found: re.Match[str], order: str) -> str:
    directives = {f"d{at}": _directive(each, found[f"d{at}"]) for at, each in enumerate(order, 1)}
    directives |= {"hour": "%I" if found["p"] else "%H", "M": "%M", "S": "%S", "f": "%f", "p": "%p"}
    pattern = found.string
    for group in reversed(directives):
        start, end = found.span(group)
        pattern = f"{pattern[:start]}{directives[group]}{pattern[end:]}" if start >= 0 else pattern
    return pattern


def _directive(part: str, digits: str) -> str:
    if part == "m" and digits.isalpha():
        return "%b" if len(digits) == 3 else "%B"
    return "%Y" if part == "y" and len(digits) == 4 else f"%{part}"


def _year(cell: str, pattern: str) -> int | None:
    try:
        return datetime.strptime(plain_half(cell), pattern).year
    except ValueError:
        return None
