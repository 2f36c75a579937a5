"""A date in one column and the time of day in another: which two columns make up the time of a reading."""

import re
from itertools import islice

from headrace.csv_files.table import SAMPLED_ROWS, Table
from headrace.csv_files.time_format import CLOCK_ALONE, DATE_ALONE

DATE_NAMES = frozenset(("date", "day", "datum", "fecha", "localdate", "utcdate"))
CLOCK_NAMES = frozenset(("time", "clock", "clocktime", "timeofday", "localtime", "utctime", "uhrzeit", "zeit", "hora"))
_DURATION = re.compile("duration|elapsed|runtime|uptime|interval|dauer", re.IGNORECASE)
_NAMED_DATE = re.compile(r"[0-9]{8}|(?![0-9.,]+$)[^:]{6,40}")
_NAMED_CLOCK = re.compile(r"[0-9]{1,2}[.:hH][0-9]{2}.{0,20}")
_BETWEEN_WORDS = re.compile(r"[\s_\-]+")


def plain_name(name: str) -> str:
    """A name to compare: `Sensor ID`, `sensor_id` and `sensorId` are the same."""
    return _BETWEEN_WORDS.sub("", name.lower())


def date_and_clock(table: Table, time: int | None) -> tuple[int | None, int | None]:
    """The column with the date, and the one with the time of day; `time` and None where one column has both.

    By what the first cells hold, then by name. A duration is written as a time of day is, but is none.
    """
    cells = _sampled(table)
    dates = [at for at in range(len(table.header)) if _is_date(table, at, cells[at])]
    clocks = [at for at in range(len(table.header)) if _is_clock(table, at, cells[at])]
    if time in clocks:
        date = _one(table, dates, DATE_NAMES)
        return (time, None) if date is None else (date, time)
    if time is None:
        time = _one(table, dates, DATE_NAMES)
    return time, _one(table, clocks, CLOCK_NAMES) if time in dates else None


def _sampled(table: Table) -> list[list[str]]:
    """The first cells of each column that are not empty."""
    cells: list[list[str]] = [[] for _ in table.header]
    for row in islice(table.rows(), SAMPLED_ROWS):
        for column, cell in zip(cells, row.cells, strict=False):
            if cell:
                column.append(cell)
    return cells


def _is_date(table: Table, at: int, cells: list[str]) -> bool:
    """Also one such as 4 Mar 2026 or 20260304, if the column is called a date."""
    is_named = plain_name(table.header[at]) in DATE_NAMES
    return bool(cells) and all(
        DATE_ALONE.fullmatch(cell) or (is_named and _NAMED_DATE.fullmatch(cell)) for cell in cells
    )


def _is_clock(table: Table, at: int, cells: list[str]) -> bool:
    """Also one such as 13.30 or 13h30, if the column is called a time."""
    name = table.header[at]
    pattern = _NAMED_CLOCK if plain_name(name) in CLOCK_NAMES else CLOCK_ALONE
    return bool(cells) and not _DURATION.search(name) and all(_clock_matches(pattern, cell) for cell in cells)


def _clock_matches(pattern: re.Pattern[str], cell: str) -> bool:
    return pattern.fullmatch(cell) is not None and not DATE_ALONE.fullmatch(cell)


def _one(table: Table, found: list[int], names: frozenset[str]) -> int | None:
    """The only one, or the only one with a usual name."""
    if len(found) > 1:
        found = [at for at in found if plain_name(table.header[at]) in names]
    return found[0] if len(found) == 1 else None
