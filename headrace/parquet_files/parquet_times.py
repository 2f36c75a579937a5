"""Times of a Parquet column in ms since the epoch, whatever its type."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from headrace.csv_files.time_format import ISO, TimeFormat, TimeSurvey
from models.detectors.growable_arrays import Integers

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MS_PER_DAY = 86_400_000

Fault = Callable[[int, str], None]
"""Is told the place in the column and what is wrong there."""


@dataclass(frozen=True)
class ParquetTimes:
    """How to read a column of times.

    Parameters
    ----------
    type_
        Of the column.
    zone
        Of timestamps that have none.
    format_
        Of numbers and strings; None for timestamps and dates.
    """

    type_: pa.DataType
    zone: ZoneInfo
    format_: TimeFormat | None

    def __str__(self) -> str:
        if self.format_ is not None:
            return self.format_.name + (self._zone_words() if self.format_.has_no_zone else "")
        is_naive = pa.types.is_timestamp(self.type_) and self.type_.tz is None
        return f"{self.type_}" + (self._zone_words() if is_naive or pa.types.is_date(self.type_) else "")

    def ms(self, column: pa.Array, fault: Fault) -> Integers:
        """Shape `(n,)`, rounded down; anything where `fault` was told, or the cell is null."""
        if self.format_ is not None:
            return _by_cell(cells(column), self.format_, fault)
        found = _since_epoch(column)
        if self.zone.key == "UTC" or (pa.types.is_timestamp(self.type_) and self.type_.tz is not None):
            return found
        naive = (
            None if null else str(each) for each, null in zip(found.view("datetime64[ms]"), _nulls(column), strict=True)
        )
        return _by_cell(naive, TimeFormat(ISO, self.zone), fault)

    def _zone_words(self) -> str:
        return f", in {self.zone.key} where they name no zone"


def has_own_times(type_: pa.DataType) -> bool:
    """Whether the type says how its values are times; else their cells have to."""
    return bool(pa.types.is_timestamp(type_) or pa.types.is_date(type_))


def survey(columns: Iterator[tuple[int, pa.Array]]) -> TimeSurvey:
    """How numbers or strings are written as times; parts of a column, each with the row that it begins at."""
    found = TimeSurvey()
    for first, column in columns:
        for row, cell in enumerate(cells(column), first):
            found.add(row, cell or "")
    return found


def cells(column: pa.Array) -> Iterator[str | None]:
    """As they would stand in a CSV file; None for null."""
    for value in column.to_pylist():
        yield None if value is None else _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float | Decimal):
        text = f"{Decimal(str(value)):f}"  # the shortest that is this number: seconds have no 64 bits of fraction
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def _by_cell(texts: Iterator[str | None], format_: TimeFormat, fault: Fault) -> Integers:
    found = []
    for place, text in enumerate(texts):
        ms = 0
        if text is not None:
            try:
                ms = format_.ms(text)
            except ValueError as error:
                fault(place, str(error))
        found.append(ms)
    return np.array(found, np.int64)


def _since_epoch(column: pa.Array) -> Integers:
    """Floor, as a text's fraction of a ms is cut."""
    if pa.types.is_date32(column.type):
        days: Integers = _integers(column.cast(pa.int32()).cast(pa.int64()))
        return days * MS_PER_DAY
    numbers = _integers(column.cast(pa.int64()))
    per_second = 1_000 if pa.types.is_date(column.type) else PER_SECOND[column.type.unit]
    if per_second < 1_000:
        most = np.iinfo(np.int64).max // 1_000
        return np.clip(numbers, -most, most) * 1_000
    return np.floor_divide(numbers, per_second // 1_000)


def _integers(column: pa.Array) -> Integers:
    found: Integers = column.fill_null(0).to_numpy(zero_copy_only=False)
    return found


def _nulls(column: pa.Array) -> list[bool]:
    found: list[bool] = column.is_null().to_pylist()
    return found
