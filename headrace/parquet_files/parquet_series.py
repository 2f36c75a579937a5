"""A Parquet file of several metrics, and devices: its columns are told by name and type, its readings streamed."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.csv_files.columns import listed
from headrace.csv_files.number_format import shown
from headrace.errors import UnusableFile
from headrace.parquet_files.parquet_columns import described, find_parquet_columns
from headrace.parquet_files.parquet_times import ParquetTimes, cells, has_own_times, survey
from headrace.scoring.file_readings import CHUNK, FileOptions, FileReadings, LeftOut, Reason
from headrace.scoring.series_names import SeriesNames
from models.detectors.growable_arrays import Flags, Floats, Integers
from models.detectors.series_index import SeriesKey
from schemas.limits import MIN_TRAINING_TIME_MS, event_time_fault

MAGIC = b"PAR1"
"""What a Parquet file begins and ends with."""


class ParquetSeries:
    """A `ReadingsFile` (headrace/scoring/file_readings.py).

    Raises
    ------
    UnusableFile
        When it is damaged, or it cannot be told which columns to use.
    """

    place = "row"

    def __init__(self, path: Path, options: FileOptions) -> None:
        self._path = path
        self._state = _state(path)
        with self._readable():
            self._schema = pq.read_schema(path)
            self._n_rows = pq.read_metadata(path).num_rows
            self.columns = find_parquet_columns(self.name, self._schema, options)
            if not self._n_rows:
                raise UnusableFile(f"{self.name} has no rows. There is nothing to score")
            self._times = self._found_times(options)
        self._names = SeriesNames(len(self.columns.devices), self.columns.values)
        self.has_devices = bool(self.columns.devices)
        self.has_metrics = bool(self.columns.metrics) or len(self.columns.values) > 1

    @property
    def name(self) -> str:
        return self._path.name

    def key(self, series: int) -> SeriesKey:
        return self._names.key(series)

    def report(self) -> list[str]:
        columns = self.columns
        lines = [
            f"{self.name}: Parquet, {self._n_rows:,} rows",
            f"times: column {listed([columns.time])}, {self._times}",
            f"values: column{'s' * (len(columns.values) > 1)} {listed(list(columns.values))}",
        ]
        for what, found in (("devices", columns.devices), ("metrics", columns.metrics)):
            if found:
                lines.append(f"{what}: named by column{'s' * (len(found) > 1)} {listed(list(found))}")
        if unused := described(self._schema, columns.used):
            lines.append(f"not scored: {unused}")
        return lines

    def batches(self, left_out: LeftOut) -> Iterator[FileReadings]:
        now_ms, first = time.time_ns() // 1_000_000, 1
        rows = max(1, CHUNK // len(self.columns.values))
        with self._readable():
            for batch in self._read(self.columns.used, rows):
                yield self._readings(batch, first, now_ms, left_out)
                first += batch.num_rows
            if _state(self._path) != self._state:
                raise UnusableFile(f"{self.name} has changed while it was read. Wait until it is written")

    def _readings(self, batch: pa.RecordBatch, first: int, now_ms: int, left_out: LeftOut) -> FileReadings:
        places = np.arange(first, first + batch.num_rows)
        times, is_usable = self._times_of(batch, places, now_ms, left_out)
        series = self._series(batch)
        columns = []
        for number, name in enumerate(self.columns.values):
            values, is_blank = _numbers(batch.column(name))
            is_wild = ~is_blank & ~np.isfinite(values) & is_usable
            where = f" in column {shown(name)}" if len(self.columns.values) > 1 else ""
            for place, value in zip(places[is_wild].tolist(), values[is_wild].tolist(), strict=True):
                left_out.add(Reason.UNUSABLE, f"row {place}{where}: {value} is no number")
            left_out.add_blank(int((is_blank & is_usable).sum()))
            kept = is_usable & ~is_blank & ~is_wild
            columns.append((places[kept], series[kept] + number, times[kept], values[kept]))
        joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
        in_order = np.argsort(joined[0], kind="stable")
        return FileReadings(*(column[in_order] for column in joined))

    def _times_of(
        self, batch: pa.RecordBatch, places: Integers, now_ms: int, left_out: LeftOut
    ) -> tuple[Integers, Flags]:
        column = batch.column(self.columns.time)
        faults = dict.fromkeys(
            np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).tolist(), "it has no time"
        )
        times = self._times.ms(column, faults.__setitem__)
        for at in np.flatnonzero((times < MIN_TRAINING_TIME_MS) | (times > now_ms)).tolist():
            fault = event_time_fault(int(times[at]), now_ms, MIN_TRAINING_TIME_MS)
            if fault is not None and at not in faults:
                faults[at] = f"{shown(str(column[at]))} {fault}"
        is_usable = np.ones(len(times), np.bool_)
        for at, fault in sorted(faults.items()):
            is_usable[at] = False
            left_out.add(Reason.UNUSABLE, f"row {places[at]}: {fault}")
        return times, is_usable

    def _series(self, batch: pa.RecordBatch) -> Integers:
        """The number of the first series of each row."""
        if not self.columns.naming:
            return np.full(batch.num_rows, self._names.first(()), np.int64)
        naming = [[cell or "" for cell in cells(batch.column(name))] for name in self.columns.naming]
        return np.array([self._names.first(each) for each in zip(*naming, strict=True)], np.int64)

    def _found_times(self, options: FileOptions) -> ParquetTimes:
        type_, zone = self._schema.field(self.columns.time).type, ZoneInfo(options.time_zone or "UTC")
        if has_own_times(type_):
            return ParquetTimes(type_, zone, None)
        format_ = survey(self._time_cells()).format(self.name, zone, options.time_format)
        return ParquetTimes(type_, zone, format_)

    def _time_cells(self) -> Iterator[tuple[int, pa.Array]]:
        first = 1
        for batch in self._read([self.columns.time], CHUNK):
            yield first, batch.column(self.columns.time)
            first += batch.num_rows

    def _read(self, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._path, buffer_size=1 << 20, pre_buffer=False) as file:
            yield from file.iter_batches(rows, columns=list(columns), use_threads=False)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            said = " ".join(str(error).split())[:150].rstrip(".")
            raise UnusableFile(f"{self.name} cannot be read as Parquet: {said}. Check that it is whole") from error


def _numbers(column: pa.Array) -> tuple[Floats, Flags]:
    """Values, and which of them are null or NaN."""
    if pa.types.is_decimal(column.type):  # exact and then rounded once, which Arrow's own cast is not
        values = np.array([np.nan if each is None else float(each) for each in column.to_pylist()], np.float64)
    else:
        values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    return values, np.isnan(values)


def is_parquet(path: Path) -> bool:
    """Whether a regular file begins as Parquet does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _state(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
