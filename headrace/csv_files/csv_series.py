"""A CSV file of several metrics, and devices: how it is written is detected, then its readings are streamed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from headrace.csv_files.columns import listed
from headrace.csv_files.csv_readings import require_length, time_text
from headrace.csv_files.number_format import NumberFormat, NumberSurvey, is_gap, shown
from headrace.csv_files.series_columns import SeriesColumns, find_series_columns
from headrace.csv_files.table import Row, Table, find_table
from headrace.csv_files.text_file import TextFile
from headrace.csv_files.time_format import TimeFormat, TimeSurvey, require_current
from headrace.errors import UnusableFile
from headrace.scoring.file_readings import CHUNK, FileOptions, FileReadings, LeftOut, Reason
from headrace.scoring.series_names import SeriesNames
from models.detectors.series_index import SeriesKey
from schemas.limits import MIN_TRAINING_TIME_MS
from schemas.units import METRIC_UNITS, unit_code


@dataclass
class _Survey:
    """What all rows say, before any is judged."""

    numbers: dict[int, NumberSurvey]
    times: TimeSurvey = field(default_factory=TimeSurvey)
    unit_line: Row | None = None
    rows: int = 0


@dataclass
class _Chunk:
    """Readings that are gathered."""

    places: list[int] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def readings(self) -> FileReadings:
        places, series, times = (np.array(column, np.int64) for column in (self.places, self.series, self.times))
        return FileReadings(places, series, times, np.array(self.values, np.float64))


class CsvSeries:
    """A `ReadingsFile` (headrace/scoring/file_readings.py).

    Parameters
    ----------
    numbers
        Of each column of values.
    """

    place = "line"

    def __init__(
        self, table: Table, columns: SeriesColumns, numbers: tuple[NumberFormat, ...], times: TimeFormat,
        unit_line: Row | None,
    ) -> None:  # fmt: skip
        self.table, self.columns, self.times = table, columns, times
        self._numbers = numbers
        self._unit_line = unit_line
        self._naming = (*columns.devices, *columns.metrics)
        self._names = SeriesNames(len(columns.devices), [table.header[at] for at in columns.values])
        self.has_devices = bool(columns.devices)
        self.has_metrics = bool(columns.metrics) or len(columns.values) > 1

    @classmethod
    def check(cls, file: TextFile, options: FileOptions) -> "CsvSeries":
        """Reads the file once, for how it is written.

        Raises
        ------
        UnusableFile
            When that is ambiguous, or there are no rows.
        """
        table = find_table(file, options.separator, options.header_line)
        columns = find_series_columns(table, options.time_column, options.value_columns, options.device_columns)
        survey = _surveyed(table, columns)
        if not survey.rows:
            raise UnusableFile(f"{file.name} has no rows below its header line. There is nothing to score")
        times = survey.times.format(file.name, ZoneInfo(options.time_zone or "UTC"), options.time_format)
        values = tuple(at for at in columns.values if survey.numbers[at].numbers)
        if not values:
            names = listed([table.header[at] for at in columns.values])
            raise UnusableFile(f"{file.name} has no number in {names}. Name another --value-column")
        columns = SeriesColumns(columns.time, columns.clock, values, columns.devices, columns.metrics)
        surveys = [survey.numbers[at] for at in values]
        return cls(table, columns, _formats(file.name, surveys, options.decimal), times, survey.unit_line)

    @property
    def name(self) -> str:
        return self.table.file.name

    def key(self, series: int) -> SeriesKey:
        return self._names.key(series)

    def report(self) -> list[str]:
        table, columns, header = self.table, self.columns, self.table.header
        lines = [
            f"{self.name}: {table.file.encoding}, columns separated by {table.separator_name}",
            f"times: {self._listed((columns.time, columns.clock))}, {self.times.name}{self._zone_words()}",
        ]
        for format_ in dict.fromkeys(self._numbers):
            same = [at for at, each in zip(columns.values, self._numbers, strict=True) if each == format_]
            lines.append(f"values: {self._listed(same)}, {format_}")
        for what, found in (("devices", columns.devices), ("metrics", columns.metrics)):
            if found:
                lines.append(f"{what}: named by {self._listed(found)}")
        used = {columns.time, columns.clock, *columns.values, *self._naming}
        if unused := [name for at, name in enumerate(header) if name and at not in used]:
            lines.append(f"not scored: {listed(unused)}")
        if table.file.encoding.is_guess:
            lines.append(f"column names, as the guess reads them: {listed(header)}. Wrong? Say --encoding")
        if self._unit_line is not None:
            lines.append(f"line {self._unit_line.line} holds units, no reading: {listed(self._unit_line.cells)}")
        if table.comments:
            lines.append(f"{table.comments} comment lines above the header are passed over")
        return lines

    def batches(self, left_out: LeftOut) -> Iterator[FileReadings]:
        chunk, now_ms = _Chunk(), time.time_ns() // 1_000_000
        text, time_ms = "", 0
        for row in self.table.rows():
            if self._unit_line is not None and row.line == self._unit_line.line:
                continue
            try:
                if row.cells == self.table.header:
                    raise ValueError("the header line again")
                if len(row.cells) != len(self.table.header):
                    require_length(row.cells, self.table.header)
                found = time_text(row.cells, self.columns.time, self.columns.clock)
                if found != text:
                    time_ms = self.times.ms(found)
                    require_current(time_ms, found, now_ms, MIN_TRAINING_TIME_MS)
                    text = found
            except ValueError as error:
                left_out.add(Reason.UNUSABLE, f"line {row.line}: {error}")
                continue
            self._add_row(chunk, row, time_ms, left_out)
            if len(chunk.places) >= CHUNK:
                self.table.file.require_unchanged()
                yield chunk.readings()
                chunk = _Chunk()
        self.table.file.require_unchanged()
        if chunk.places:
            yield chunk.readings()

    def _add_row(self, chunk: _Chunk, row: Row, time_ms: int, left_out: LeftOut) -> None:
        cells = row.cells
        first = self._names.first(tuple([cells[at] for at in self._naming]))
        for place, (at, format_) in enumerate(zip(self.columns.values, self._numbers, strict=True)):
            cell = cells[at] if at < len(cells) else ""
            try:
                value = format_.number(cell)
            except ValueError as error:
                if is_gap(cell):
                    left_out.add_blank()
                else:
                    column = f" in column {shown(self.table.header[at])}" if len(self._numbers) > 1 else ""
                    left_out.add(Reason.UNUSABLE, f"line {row.line}{column}: {error}")
                continue
            chunk.places.append(row.line)
            chunk.series.append(first + place)
            chunk.times.append(time_ms)
            chunk.values.append(value)

    def _zone_words(self) -> str:
        return f", in {self.times.zone.key} where they name no zone" if self.times.has_no_zone else ""

    def _listed(self, columns: Sequence[int | None]) -> str:
        names = [self.table.header[at] for at in columns if at is not None]
        return f"column{'s' * (len(names) > 1)} {listed(names)}"


def _formats(name: str, surveys: list[NumberSurvey], decimal: str | None) -> tuple[NumberFormat, ...]:
    """Of each column. Where its own cells do not tell, those of the other columns may: a file is written one way."""
    proven = {each for survey in surveys for each in survey.evidence}
    of_file = next(iter(proven)) if len(proven) == 1 else None
    return tuple(survey.format(name, decimal or (None if survey.evidence else of_file)) for survey in surveys)


def _surveyed(table: Table, columns: SeriesColumns) -> _Survey:
    survey = _Survey({at: NumberSurvey() for at in columns.values})
    last = max(columns.time, columns.clock or 0)
    for row in table.rows():
        cells = row.cells
        if not survey.rows and survey.unit_line is None and _is_unit_line(cells, table, columns):
            survey.unit_line = row
            continue
        survey.rows += 1
        for at, numbers in survey.numbers.items():
            if at < len(cells):
                numbers.add(row.line, cells[at])
        if last < len(cells) and cells != table.header:
            try:
                survey.times.add(row.line, time_text(cells, columns.time, columns.clock))
            except ValueError:
                continue  # a part is missing, which the rows' own check names
    return survey


def _is_unit_line(cells: list[str], table: Table, columns: SeriesColumns) -> bool:
    """Whether the cells of values are units such as `Cel` or `[°C]`, as far as there are any."""
    found = [(table.header[at], cells[at].strip("()[] ")) for at in columns.values if at < len(cells) and cells[at]]
    return any(not is_gap(unit) for _, unit in found) and all(
        is_gap(unit) or (len(unit) <= 20 and not unit[0].isdigit() and unit_code(unit, METRIC_UNITS.get(metric)))
        for metric, unit in found
    )
