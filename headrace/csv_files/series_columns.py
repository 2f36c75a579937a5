"""Which columns of a CSV file hold values, and which say whose: a file of several metrics and devices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from headrace.csv_files.columns import SERIES_NAMES, UNIT_NAMES, find_times, listed, named, require_names
from headrace.csv_files.date_and_clock import plain_name
from headrace.csv_files.number_format import NumberSurvey, is_gap, shown
from headrace.csv_files.table import SAMPLED_ROWS, Table
from headrace.csv_files.time_format import EPOCHS, kind_of
from headrace.errors import UnusableFile

METRIC_NAMES = UNIT_NAMES | {"table", "field", "measurement", "metric", "parameter", "channel", "tagname"}
"""Columns whose cells name what was measured; the others of SERIES_NAMES name a device. Values in two units are two
series."""


@dataclass(frozen=True)
class SeriesColumns:
    """Positions in a row. `time` has the date where there is a `clock`."""

    time: int
    clock: int | None
    values: tuple[int, ...]
    devices: tuple[int, ...]
    metrics: tuple[int, ...]


def is_series_name(name: str) -> bool:
    """Whether a column of that name says whose value a row holds."""
    return plain_name(name) in SERIES_NAMES


def names_metric(name: str) -> bool:
    """Whether it is a metric that a column of `is_series_name` names, and not a device."""
    return plain_name(name) in METRIC_NAMES


def find_series_columns(
    table: Table, time_column: str | None, value_columns: Sequence[str], device_columns: Sequence[str]
) -> SeriesColumns:
    """By the names that were given, else by those that are usual, and by what the first cells hold.

    Raises
    ------
    UnusableFile
        When a column is not there, is there twice, or cannot be told.
    """
    name, header = table.file.name, table.header
    require_names(table, is_named=bool(value_columns))
    time, clock = find_times(table, time_column)
    if time is None:
        raise UnusableFile(f"{name}: which column holds the times? It has {listed(header)}. Say which:  --time-column")
    values = _named(table, value_columns, "--value-column")
    devices = _named(table, device_columns, "--device-column")
    if twice := {time, clock} & {*values, *devices} | {*values} & {*devices}:
        column = min(at for at in twice if at is not None)
        raise UnusableFile(f"{name}: {shown(header[column])} cannot be two of time, value and device")
    usual = [at for at, each in enumerate(header) if is_series_name(each) and at not in (time, clock, *values)]
    metrics = [at for at in usual if names_metric(header[at]) and at not in devices]
    devices = devices or [at for at in usual if at not in metrics]
    if not values:
        rest = [at for at, each in enumerate(header) if each and at not in (time, clock, *devices, *metrics)]
        values = _with_numbers(table, rest) or _with_numbers(table, devices if not device_columns else ())
        devices = [at for at in devices if at not in values]
    if not values:
        raise UnusableFile(f"{name} has no column with numbers besides the time; it has {listed(header)}")
    _require_names_once(table, values)
    return SeriesColumns(time, clock, tuple(values), tuple(devices), tuple(metrics))


def _named(table: Table, columns: Iterable[str], option: str) -> list[int]:
    return list(dict.fromkeys(named(table, each, option) for each in columns))


def _with_numbers(table: Table, columns: Sequence[int]) -> list[int]:
    """Those whose first cells are numbers, one in ten may be something else; and those that are blank so far."""
    surveys, cells = {at: NumberSurvey() for at in columns}, dict.fromkeys(columns, 0)
    for row in islice(table.rows(), SAMPLED_ROWS):
        for at, survey in surveys.items():
            cell = row.cells[at] if at < len(row.cells) else ""
            if not is_gap(cell) and kind_of(cell) in (None, *EPOCHS):
                survey.add(row.line, cell)
            if not is_gap(cell):
                cells[at] += 1
    return [
        at for at in columns if not cells[at] or (surveys[at].numbers and surveys[at].numbers > 0.9 * cells[at] - 1)
    ]


def _require_names_once(table: Table, values: Sequence[int]) -> None:
    """Two metrics of one name would be one series."""
    names = [table.header[at] for at in values]
    for name in names:
        if names.count(name) > 1:
            places = ", ".join(str(at + 1) for at in values if table.header[at] == name)
            raise UnusableFile(
                f"{table.file.name} has {names.count(name)} columns {shown(name)} ({places} in the line), which would "
                "be one series. Rename them, or say which one to score:  --value-column"
            )
