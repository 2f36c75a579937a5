"""Which columns hold the times and the values, by their names; and the unit that a name ends with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from headrace.csv_files.date_and_clock import date_and_clock, plain_name
from headrace.csv_files.number_format import NumberSurvey, is_gap, shown
from headrace.csv_files.table import SAMPLED_ROWS, Table
from headrace.csv_files.time_format import EPOCHS, kind_of
from headrace.errors import UnusableFile
from schemas.unit_conversions import CONVERSIONS
from schemas.units import METRIC_UNITS, unit_code

TIME_NAMES = ("timestamp", "time", "ts", "date", "datetime", "_time", "zeit", "zeitstempel", "datum")
VALUE_NAMES = ("value", "_value", "wert")
UNIT_NAMES = frozenset(("unit", "units", "uom", "unitofmeasurement", "unitofmeasure", "einheit", "einheiten"))
SERIES_NAMES = UNIT_NAMES | {
    *("table", "field", "measurement", "metric", "parameter", "channel", "entityid", "tagname"),
    *(f"{thing}{what}" for thing in ("device", "sensor", "node", "station", "host") for what in ("", "id", "name")),
    *("deviceserial", "deveui", "deviceeui", "serial", "serialno", "serialnumber", "mac", "macaddress", "imei"),
}
"""Columns that say whose value a row holds: with more than one value the file holds several series. As `plain_name`."""

_UNIT_IN_BRACKETS = re.compile(r".*[(\[]([^()\[\]]{1,20})[)\]]")
_UNIT_AT_END = re.compile(r".*?[ _]([^ _]{1,10})")
_NUMBER = re.compile(r"[+\-]?[0-9]+(?:[.,][0-9]+)?")


@dataclass(frozen=True)
class Columns:
    """Positions in a row. `series` are the columns that must not vary; `time` has the date where there is a `clock`."""

    value: int
    time: int | None
    series: tuple[int, ...]
    clock: int | None = None


def find_columns(table: Table, metric: str, time_column: str | None, value_column: str | None) -> Columns:
    """By the names that were given, else by those that are usual.

    Raises
    ------
    UnusableFile
        When a column is not there, is there twice, or cannot be told.
    """
    require_names(table, is_named=value_column is not None)
    header = table.header
    time, clock = find_times(table, time_column)
    if value_column is None:
        value = _value(table, metric, (time, clock))
    else:
        value = named(table, value_column, "--value-column")
    if value in (time, clock):
        raise UnusableFile(f"{table.file.name}: {shown(header[value])} cannot be both the time and the value")
    series = [at for at, name in enumerate(header) if plain_name(name) in SERIES_NAMES and at not in (value, time)]
    return Columns(value, time, tuple(series), clock)


def find_times(table: Table, time_column: str | None) -> tuple[int | None, int | None]:
    """The column with the times, and None or the one with the time of day; None and None where none can be told.

    Raises
    ------
    UnusableFile
        When the column that was named is not there, or is there twice.
    """
    if time_column is not None:
        return date_and_clock(table, named(table, time_column, "--time-column"))
    time = _usual(table, TIME_NAMES)
    return date_and_clock(table, _only_times(table) if time is None else time)


def unit_in_name(name: str, metric: str) -> str | None:
    """The unit that a column's name ends with, as it is spelled there.

    A single letter, and a word behind a blank, is one only if it is a unit of the metric's own quantity.

    Examples
    --------
    >>> unit_in_name("Temperature °C", "temperature"), unit_in_name("temp_F", "temperature")
    ('°C', 'F')
    >>> unit_in_name("phase_A", "phase"), unit_in_name("temperature", "temperature")
    (None, None)
    """
    own = METRIC_UNITS.get(metric)
    if found := _UNIT_IN_BRACKETS.fullmatch(name):
        return found[1] if unit_code(found[1], own) else None
    found = _UNIT_AT_END.fullmatch(name)
    code = unit_code(found[1], own) if found else None
    if found is None or code is None:
        return None
    is_own = own is not None and CONVERSIONS[code].unit == own
    return found[1] if is_own or not found[1].isalpha() else None


def require_names(table: Table, is_named: bool) -> None:
    """Check that the header holds names.

    A first column without a name is the row number that many programs write, and InfluxDB's annotations.

    Raises
    ------
    UnusableFile
        When it is a row of numbers or times, or a column with cells has no name and `is_named` is not set.
    """
    filled = [name for name in table.header if name] or table.header[:1]
    if all(not name or _NUMBER.fullmatch(name) or kind_of(name) for name in filled):
        raise UnusableFile(
            f"{table.file.name}, line {table.header_line}: {shown(filled[0])} is no column's name. "
            "Write a header line above the rows, such as time,value"
        )
    nameless = [at for at, name in enumerate(table.header) if at and not name]
    for row in () if is_named or not nameless else islice(table.rows(), SAMPLED_ROWS):
        for at in nameless:
            if at < len(row.cells) and row.cells[at]:
                raise UnusableFile(
                    f"{table.file.name}, line {table.header_line}: column {at + 1} has no name, and line {row.line} "
                    f"has {shown(row.cells[at])} there. Give it a name, or say --value-column"
                )


def named(table: Table, name: str, option: str) -> int:
    """The column of that name, or of that number from 1.

    Raises
    ------
    UnusableFile
        When there is none, or several.
    """
    found = [at for at, each in enumerate(table.header) if each == name]
    found = found or [at for at, each in enumerate(table.header) if each.lower() == name.strip().lower()]
    if not found and name.isdigit() and 1 <= int(name) <= len(table.header):
        return int(name) - 1
    if not found:
        raise UnusableFile(f"{table.file.name} has no column {name!r}; it has {listed(table.header)}")
    return _only(table, found, option)


def _usual(table: Table, names: Sequence[str]) -> int | None:
    lowered = [name.lower() for name in table.header]
    for name in names:
        if found := [at for at, each in enumerate(lowered) if each == name]:
            return _only(table, found, "--time-column" if names is TIME_NAMES else "--value-column")
    return None


def _only_times(table: Table) -> int | None:
    """The one column whose first cells are all dates and times, if there is one."""
    candidates = set(range(len(table.header)))
    for row in islice(table.rows(), SAMPLED_ROWS):
        candidates -= {at for at in candidates if at >= len(row.cells) or kind_of(row.cells[at]) in (None, *EPOCHS)}
    return candidates.pop() if len(candidates) == 1 else None


def _only(table: Table, found: list[int], option: str) -> int:
    if len(found) > 1:
        places = " and ".join(str(at + 1) for at in found)
        raise UnusableFile(
            f"{table.file.name} has {len(found)} columns {table.header[found[0]]!r}, {places} in the line. "
            f"Rename one, or give a column's number:  {option} {found[0] + 1}"
        )
    return found[0]


def _value(table: Table, metric: str, times: tuple[int | None, ...]) -> int:
    usual = _usual(table, VALUE_NAMES)
    if usual is None:
        usual = _usual(table, (metric.lower(),))
    if usual is not None:
        return usual
    others = [at for at, name in enumerate(table.header) if at not in times and name]
    if len(others) > 1:
        others = [at for at in others if _holds_numbers(table, at)]
    if len(others) == 1:
        return others[0]
    raise UnusableFile(
        f"{table.file.name}: which column holds the value? It has {listed(table.header)}. Say which:  --value-column"
    )


def _holds_numbers(table: Table, at: int) -> bool:
    """Whether a column's first cells are numbers; one in ten may be something else, such as a unit or a fault."""
    survey, cells = NumberSurvey(), 0
    for row in islice(table.rows(), SAMPLED_ROWS):
        cell = row.cells[at] if at < len(row.cells) else ""
        if not is_gap(cell) and kind_of(cell) in (None, *EPOCHS):
            cells += 1
            survey.add(row.line, cell)
    return survey.numbers > 0.9 * cells - 1 and survey.numbers > 0


def listed(header: list[str]) -> str:
    """Names in a message, at most 20."""
    names = ["".join(filter(str.isprintable, name[:60])) or "(no name)" for name in header]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
