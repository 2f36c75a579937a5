"""Rows of a CSV as payloads of single readings."""

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schemas.errors import TerminalError

TIME_COLUMNS = ("timestamp", "time", "ts", "date", "datetime")
SECONDS_BELOW = 100_000_000_000
"""A whole number below this is in seconds (until the year 5138), else in ms (from 1973)."""


class UnusableFile(TerminalError):
    """A CSV in which no readings can be found; the message names its columns."""


@dataclass(frozen=True)
class CsvReadings:
    """A sized iterable of payloads, one for each row."""

    rows: list[dict[str, str]]
    metric: str
    time_column: str | None
    value_column: str
    unit: str | None
    keep_time: bool

    @classmethod
    def open(
        cls,
        file: Path,
        metric: str,
        time_column: str | None = None,
        value_column: str | None = None,
        unit: str | None = None,
        keep_time: bool = False,
    ) -> "CsvReadings":
        """Reads the file and finds its columns.

        Raises
        ------
        UnusableFile
            When they cannot be found.
        """
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            rows, columns = list(reader), list(reader.fieldnames or ())
        for named in (time_column, value_column):
            if named is not None and named not in columns:
                raise UnusableFile(f"{file} has no column {named!r}; it has {', '.join(columns) or 'none'}")
        time_column = time_column or next((c for c in columns if c.lower() in TIME_COLUMNS), None)
        if keep_time and time_column is None:
            raise UnusableFile(f"{file}: --keep-time needs --time-column, one of {', '.join(columns)}")
        return cls(
            rows, metric, time_column, value_column or _value_column(file, columns, time_column), unit, keep_time
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[bytes]:
        last_ms = 0
        for row in self.rows:
            if self.keep_time and self.time_column:
                ts: object = to_ms(row[self.time_column])
            else:
                # One identity has one value: two rows in one millisecond would be a conflict.
                ts = last_ms = max(int(time.time() * 1000), last_ms + 1)
            reading = {"metric": self.metric, "value": _number(row[self.value_column]), "ts": ts, "unit": self.unit}
            yield json.dumps({name: value for name, value in reading.items() if value is not None}).encode()


def to_ms(text: str) -> int | str:
    """Milliseconds since the epoch of an ISO 8601 text (UTC if it names no zone) or a number of s or ms.

    Text that is neither is given back: the cleaning will refuse it and say what it was.

    >>> to_ms("2014-07-01 00:00:00"), to_ms("1719800000"), to_ms("1719800000123"), to_ms("noon")
    (1404172800000, 1719800000000, 1719800000123, 'noon')
    """
    try:
        number = float(text)
        return round(number * 1000) if abs(number) < SECONDS_BELOW else round(number)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(text: str | None) -> float | str | None:
    try:
        return float(text or "")
    except ValueError:
        return text


def _value_column(file: Path, columns: list[str], time_column: str | None) -> str:
    if "value" in columns:
        return "value"
    others = [column for column in columns if column != time_column]
    if len(others) == 1:
        return others[0]
    raise UnusableFile(f"{file}: which column holds the value? Say --value-column, one of {', '.join(columns)}")
