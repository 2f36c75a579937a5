"""The readings of a CSV file: how it is written is detected, then every row is checked, then they are streamed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from headrace.csv_files.columns import UNIT_NAMES, Columns, find_columns, listed, unit_in_name
from headrace.csv_files.date_and_clock import plain_name
from headrace.csv_files.number_format import NumberFormat, NumberSurvey, is_gap, shown
from headrace.csv_files.table import Row, Table, find_table
from headrace.csv_files.text_file import TextFile
from headrace.csv_files.time_format import TimeFormat, TimeSurvey, require_current
from headrace.errors import UnusableFile
from schemas.units import METRIC_UNITS, unit_code

ROWS_BETWEEN_LOOKS = 1000
"""How often sending asks whether the file has changed."""

MAX_NAMED = 20
"""Rows that cannot be used, named one by one."""


@dataclass(frozen=True)
class CsvOptions:
    """What a person said of the file. None: it is detected.

    Parameters
    ----------
    decimal
        "." or ",".
    time_format
        iso8601, s, ms, us, ns, or a pattern of strptime.
    keep_time
        Whether the times of the file are sent; else those of the sending, and the file's do not matter.
    """

    metric: str
    time_column: str | None = None
    value_column: str | None = None
    unit: str | None = None
    keep_time: bool = False
    separator: str | None = None
    header_line: int | None = None
    decimal: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    skip_bad_rows: bool = False


@dataclass(frozen=True)
class CsvReading:
    """One value. `time_ms` is None where the file's times are not sent."""

    line: int
    value: float
    time_ms: int | None


@dataclass
class _Survey:
    """What all rows say, before any is judged."""

    numbers: NumberSurvey = field(default_factory=NumberSurvey)
    times: TimeSurvey = field(default_factory=TimeSurvey)
    series: dict[int, str] = field(default_factory=dict)
    unit_line: Row | None = None
    rows: int = 0


class _BadRow(ValueError):
    """Why a row is no reading."""


@dataclass
class CsvReadings:
    """Readings of a file that was checked: iterating streams them, in the order of the file.

    Parameters
    ----------
    unit
        As it will be sent: given, or found in the file. `unit_from` says where.
    gaps
        Rows without a value.
    bad
        Rows that are left out, with the reason; at most MAX_NAMED of `bad_count`.
    """

    table: Table
    options: CsvOptions
    columns: Columns
    numbers: NumberFormat
    times: TimeFormat | None
    unit: str | None
    unit_from: str
    unit_line: Row | None = None
    count: int = 0
    gaps: int = 0
    bad_count: int = 0
    bad: list[str] = field(default_factory=list)

    @classmethod
    def check(cls, file: TextFile, options: CsvOptions) -> "CsvReadings":
        """Reads the file twice: how it is written, then whether each row is a reading.

        Raises
        ------
        UnusableFile
            When anything is ambiguous, or a row cannot be used and `skip_bad_rows` is not set.
        """
        table = find_table(file, options.separator, options.header_line)
        columns = find_columns(table, options.metric, options.time_column, options.value_column)
        survey = _surveyed(table, columns, options)
        if not survey.rows:
            raise UnusableFile(f"{file.name} has no rows below its header line. Nothing to send")
        zone = _zone(options, survey.unit_line, columns)
        readings = cls(
            table,
            options,
            columns,
            survey.numbers.format(file.name, options.decimal),
            _times(file.name, survey, columns, options, zone),
            *_unit(table, columns, options, survey),
            unit_line=survey.unit_line,
        )
        readings._check_rows()
        return readings

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[CsvReading]:
        """The readings of the file, in its order.

        Raises
        ------
        UnusableFile
            When the file has changed since it was checked.
        """
        sent = 0
        for outcome in self._outcomes():
            if isinstance(outcome, CsvReading):
                if sent % ROWS_BETWEEN_LOOKS == 0:
                    self.table.file.require_unchanged()
                sent += 1
                if sent > self.count:
                    raise self.table.file.changed()
                yield outcome
        self.table.file.require_unchanged()
        if sent != self.count:
            raise self.table.file.changed()

    def report(self) -> list[str]:
        """What was detected, a line each, for a person who can tell whether it is right."""
        table, header = self.table, self.table.header
        lines = [
            f"{table.file.name}: {table.file.encoding}, columns separated by {table.separator_name}",
            f"values: column {header[self.columns.value]!r}, {self.numbers}, {self._unit_words()}",
            f"times: {self._time_words()}",
            f"rows: {self.count:,} to send" + (f", {self.gaps:,} without a value" if self.gaps else "")
            + (f", {self.bad_count:,} left out" if self.bad_count else ""),
        ]  # fmt: skip
        if self.table.file.encoding.is_guess:
            lines.append(f"column names, as the guess reads them: {listed(header)}. Wrong? Say --encoding")
        if self.unit_line is not None:
            lines.append(f"line {self.unit_line.line} holds units, no reading: {listed(self.unit_line.cells)}")
        if table.comments:
            lines.append(f"{table.comments} comment lines above the header are passed over")
        lines += [f"left out: {each}" for each in self.bad]
        if self.bad_count > len(self.bad):
            lines.append(f"left out: {self.bad_count - len(self.bad):,} more")
        return lines

    def _unit_words(self) -> str:
        if self.unit is None:
            own = METRIC_UNITS.get(self.options.metric)
            return f"in the unit of {self.options.metric}, {own}" if own else "without a unit"
        return f"in {self.unit} ({self.unit_from})"

    def _time_words(self) -> str:
        if self.columns.time is None or self.times is None:
            return "the present time; the file's are not sent (--keep-time sends them)"
        zone = f", in {self.times.zone.key} where they name no zone" if self.times.has_no_zone else ""
        return f"{self._time_columns()}, {self.times.name}{zone}"

    def _time_columns(self) -> str:
        names = [repr(self.table.header[at]) for at in (self.columns.time, self.columns.clock) if at is not None]
        return f"column{'s' * (len(names) > 1)} {' and '.join(names)}"

    def _check_rows(self) -> None:
        days: dict[int, float] = {}
        for outcome in self._outcomes():
            if isinstance(outcome, CsvReading):
                self.count += 1
                self._require_one_value_a_day(days, outcome)
            elif outcome is None:
                self.gaps += 1
            else:
                self.bad_count += 1
                if len(self.bad) < MAX_NAMED:
                    self.bad.append(outcome)
        self.table.file.require_unchanged()
        name = self.table.file.name
        if self.bad_count and not self.options.skip_bad_rows:
            more = f", and {self.bad_count - 1:,} more rows cannot be used" if self.bad_count > 1 else ""
            raise UnusableFile(f"{name}, {self.bad[0]}{more}. Nothing was sent. Mend them, or add --skip-bad-rows")
        if not self.count:
            raise UnusableFile(f"{name} has no row with a value in column {self.table.header[self.columns.value]!r}")

    def _require_one_value_a_day(self, days: dict[int, float], reading: CsvReading) -> None:
        """Where the times are dates: two values of one day would have one time, and only one would be kept."""
        if self.times is None or self.times.has_clock or reading.time_ms is None:
            return
        if days.setdefault(reading.time_ms, reading.value) != reading.value:
            day = datetime.fromtimestamp(reading.time_ms / 1000, self.times.zone)
            raise UnusableFile(
                f"{self.table.file.name}, line {reading.line}: {day:%Y-%m-%d} has a second value, and "
                f"{self._time_columns()} has no time of day, so one of them would be lost. Name another --time-column, "
                "or write the time of day behind the date"
            )

    def _outcomes(self) -> Iterator[CsvReading | str | None]:
        """Of each row a reading, None for a gap, or what is wrong."""
        now_ms = time.time_ns() // 1_000_000
        for row in self.table.rows():
            if self.unit_line is not None and row.line == self.unit_line.line:
                continue
            try:
                yield self._reading(row, now_ms)
            except ValueError as error:
                yield f"line {row.line}: {error}"

    def _reading(self, row: Row, now_ms: int) -> CsvReading | None:
        cells, header = row.cells, self.table.header
        if len(cells) != len(header):
            require_length(cells, header)
        if cells == header:
            raise _BadRow("the header line again")
        cell = cells[self.columns.value]
        if is_gap(cell):
            return None
        time_ms = None
        if self.times is not None and self.columns.time is not None:
            text = time_text(cells, self.columns.time, self.columns.clock)
            time_ms = self.times.ms(text)
            require_current(time_ms, text, now_ms)
        return CsvReading(row.line, self.numbers.number(cell), time_ms)


def time_text(cells: list[str], time: int, clock: int | None) -> str:
    """The time of a row, from one column or two. Raises ValueError, whose text says what is missing."""
    if not cells[time]:
        raise _BadRow("it has no time")
    if clock is None:
        return cells[time]
    if not cells[clock]:
        raise _BadRow("it has no time of day")
    return f"{cells[time]} {cells[clock]}"


def require_length(cells: list[str], header: list[str]) -> None:
    """Empty cells at the end, and columns without a name, may be missing. Raises ValueError where more is."""
    missing, surplus = header[len(cells) :], cells[len(header) :]
    if any(missing) or any(surplus):
        raise _BadRow(f"{len(cells)} cell{'s' * (len(cells) != 1)} where the header has {len(header)}")


def _surveyed(table: Table, columns: Columns, options: CsvOptions) -> _Survey:
    survey = _Survey()
    for row in table.rows():
        cells = row.cells
        if columns.value >= len(cells):
            survey.rows += 1
            continue  # the check names it
        cell = cells[columns.value]
        if not survey.rows and survey.unit_line is None and _is_unit_line(cell, options.metric):
            survey.unit_line = row
            continue
        survey.rows += 1
        survey.numbers.add(row.line, cell)
        if options.keep_time and columns.time is not None and max(columns.time, columns.clock or 0) < len(cells):
            survey.times.add(row.line, _surveyed_time(cells, columns.time, columns.clock))
        if not is_gap(cell) and len(cells) >= len(table.header):
            _add_series(survey, table, columns, row)
    return survey


def _surveyed_time(cells: list[str], time: int, clock: int | None) -> str:
    """Empty if a part of it is missing, which the check names."""
    try:
        return time_text(cells, time, clock)
    except _BadRow:
        return ""


def _add_series(survey: _Survey, table: Table, columns: Columns, row: Row) -> None:
    for at in columns.series:
        known = survey.series.setdefault(at, row.cells[at])
        if known != row.cells[at] and row.cells != table.header:
            name = table.header[at]
            what = "in one unit" if plain_name(name) in UNIT_NAMES else "one metric of one device"
            raise UnusableFile(
                f"{table.file.name}, line {row.line}: column {name!r} changes from {shown(known)} to "
                f"{shown(row.cells[at])}, so the rows are not {what}. Split the file by it"
            )


def _is_unit_line(cell: str, metric: str) -> bool:
    return not is_gap(cell) and not cell[0].isdigit() and _unit_of(cell, metric) is not None


def _unit_of(cell: str, metric: str) -> str | None:
    """The spelling of a unit in a cell such as `Cel` or `[°C]`, if it is one."""
    for spelling in (cell, cell.strip("()[] ")):
        if len(spelling) <= 20 and unit_code(spelling, METRIC_UNITS.get(metric)):
            return spelling
    return None


def _unit(table: Table, columns: Columns, options: CsvOptions, survey: _Survey) -> tuple[str | None, str]:
    """The unit to send and where it comes from: an option, the cells, the line under the header, the names."""
    if options.unit is not None:
        return options.unit, "--unit"
    metric = options.metric
    suffix = survey.numbers.format(table.file.name, options.decimal).suffix
    found = {
        "behind the numbers": suffix or None,
        "from the line under the header": _unit_of(survey.unit_line.cells[columns.value], metric)
        if survey.unit_line
        else None,
        "from the column's name": unit_in_name(table.header[columns.value], metric),
        "from the column of units": next(
            (unit for at, unit in survey.series.items() if unit and plain_name(table.header[at]) in UNIT_NAMES), None
        ),
    }
    stated = {where: unit for where, unit in found.items() if unit is not None}
    codes = {unit_code(unit, METRIC_UNITS.get(metric)) for unit in stated.values()}
    if len(codes) > 1:
        each = ", ".join(f"{unit} {where}" for where, unit in stated.items())
        raise UnusableFile(f"{table.file.name} names several units: {each}. Say which one the values have:  --unit")
    where, unit = next(iter(stated.items()), ("", None))
    return unit, where


def _zone(options: CsvOptions, unit_line: Row | None, columns: Columns) -> ZoneInfo:
    """UTC unless something else is said; also by a line of units, whose zone of another name has to be confirmed."""
    if options.time_zone is None and options.keep_time and unit_line is not None and columns.time is not None:
        zone = unit_line.cells[columns.time] if columns.time < len(unit_line.cells) else ""
        if zone.upper() not in ("", "UTC", "GMT", "Z", "S", "MS", "US", "NS", "-"):
            raise UnusableFile(
                f"line {unit_line.line} says {shown(zone)} of the times. Say which zone they are in:  --time-zone"
            )
    return ZoneInfo(options.time_zone or "UTC")


def _times(name: str, survey: _Survey, columns: Columns, options: CsvOptions, zone: ZoneInfo) -> TimeFormat | None:
    if not options.keep_time:
        return None
    if columns.time is None:
        raise UnusableFile(f"{name}: which column holds the times? Say which:  --time-column")
    return survey.times.format(name, zone, options.time_format)
