"""Who took what and when, read from a file and put in order."""

import csv
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.recommend.errors import UnusableInteractions
from models.recommend.history import Items
from schemas.limits import MAX_CLOCK_SKEW_MS, MIN_TRAINING_TIME_MS, event_time_fault

MIN_INTERACTIONS, MIN_ITEMS = 100, 20
MAX_ITEMS = 5_000
"""Tables are dense: four of them, 100 MB each at this size, and three in the graph."""

SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Interactions:
    """In the order of time; those of one moment in the order of the file.

    Numbers of items and users go by their names' order, not by who came first: a number tells nothing of the future.

    Parameters
    ----------
    users, items
        Numbers, shape `(n,)`.
    times_s
        Seconds since the epoch, shape `(n,)`, ascending.
    user_names, item_names
        By number.
    """

    users: Items
    items: Items
    times_s: npt.NDArray[np.float64]
    user_names: tuple[str, ...]
    item_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def of(cls, users: pd.Series, items: pd.Series, times_s: npt.NDArray[np.float64]) -> "Interactions":
        """Of columns in the order of the file."""
        order = np.argsort(times_s, kind="stable")
        user_numbers, user_names = pd.factorize(users.astype(str), sort=True)
        item_numbers, item_names = pd.factorize(items.astype(str), sort=True)
        return cls(
            user_numbers[order].astype(np.int64),
            item_numbers[order].astype(np.int64),
            times_s[order],
            tuple(user_names),
            tuple(item_names),
        )


def read_interactions(path: Path, now_ms: int | None = None) -> Interactions:
    """Of a CSV with the columns `user`, `item` and `event_time` (ISO 8601, or seconds or milliseconds since the epoch).

    Raises
    ------
    UnusableInteractions
        The file cannot be read, lacks a column, has blanks or times that are none, is too small, or has more than
        MAX_ITEMS items.
    """
    table = _read(path, ("user", "item", "event_time"))
    n_items = table["item"].nunique()
    if len(table) < MIN_INTERACTIONS or n_items < MIN_ITEMS:
        raise UnusableInteractions(
            f"{path} has {len(table):,} interactions with {n_items:,} items. "
            f"It takes {MIN_INTERACTIONS} with {MIN_ITEMS} or more."
        )
    if n_items > MAX_ITEMS:
        raise UnusableInteractions(f"{path} has {n_items:,} items; {MAX_ITEMS:,} is the most. Leave out the rarest.")
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return Interactions.of(table["user"], table["item"], _seconds(path, table["event_time"], now_ms))


def read_words(path: Path, item_names: tuple[str, ...]) -> list[frozenset[str]]:
    """Words of each item, from a CSV with the column `item` and any others, whose cells are attributes.

    An attribute is a word of a cell together with its column: `genre:comedy`. An item that the file does not tell
    of has none.

    Raises
    ------
    UnusableInteractions
        The file cannot be read, or lacks the column.
    """
    table = _read(path, ("item",)).drop_duplicates("item", keep="last").set_index("item")
    words = {
        str(item): frozenset(
            f"{column}:{word}" for column, cell in cells.items() for word in str(cell).lower().replace("|", " ").split()
        )
        for item, cells in table.iterrows()
    }
    return [words.get(name, frozenset()) for name in item_names]


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """All cells as texts; the index is the line in which each row ends. None of `columns` has a blank."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=_separator(file, columns), strict=True)
            header = _header(path, next(filter(None, lines), []), columns)
            numbered = [(lines.line_num, _cells(path, lines.line_num, row, header)) for row in lines if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableInteractions(f"{path} cannot be read as a UTF-8 CSV with a header line: {error}") from None
    table = pd.DataFrame([row for _, row in numbered], [line for line, _ in numbered], columns=header, dtype=object)
    for name in columns:
        blank = table.index[table[name].map(str.isspace) | (table[name] == "")]
        if len(blank):
            raise UnusableInteractions(f"{path}, line {blank[0]}: {name} is blank.")
    return table


def _separator(file: TextIO, columns: Iterable[str]) -> str:
    """The one that makes the columns of the first line. Leaves `file` at its beginning."""
    first = next(filter(str.strip, file), "")
    file.seek(0)
    found = (each for each in SEPARATORS if {*columns} <= {*_names(next(csv.reader([first], delimiter=each), []))})
    return next(found, SEPARATORS[0])


def _names(row: Iterable[str]) -> list[str]:
    return [cell.strip() for cell in row]


def _header(path: Path, row: list[str], columns: Iterable[str]) -> list[str]:
    header = _names(row)
    while header and not header[-1]:  # each line ends in a separator
        header.pop()
    if not header:
        raise UnusableInteractions(f"{path} cannot be read as a UTF-8 CSV with a header line: it is empty")
    for name in columns:
        if name not in header:
            raise UnusableInteractions(
                f"{path} has no column {name!r}. It has: {', '.join(header)}. "
                f"Name the columns in the first line:  {','.join(columns)}"
            )
        if header.count(name) > 1:
            raise UnusableInteractions(f"{path} has {header.count(name)} columns {name!r}. Keep one of them.")
    return header


def _cells(path: Path, line: int, row: list[str], header: list[str]) -> list[str]:
    """As many as the header has: what follows the last column may only be blank."""
    if len(row) < len(header) or any(row[len(header) :]):
        raise UnusableInteractions(
            f"{path}, line {line}: {len(row)} cells, where the header has {len(header)}. "
            "Put quotation marks around a cell that holds the separator."
        )
    return row[: len(header)]


def _seconds(path: Path, cells: pd.Series, now_ms: int) -> npt.NDArray[np.float64]:
    """Numbers by their size: no time in seconds is as large as the first in ms."""
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    times_ms = np.where(numbers < MIN_TRAINING_TIME_MS, numbers * 1000, numbers)
    # pandas would also take the words now and today.
    written = np.isnan(numbers) & cells.str.strip().str.match("[0-9]{4}").to_numpy(bool)
    if written.any():
        moments = pd.to_datetime(cells[written].str.strip(), errors="coerce", utc=True, format="ISO8601")
        times_ms[written] = (moments - pd.Timestamp(0, tz="UTC")).dt.total_seconds() * 1000
    good = (times_ms >= MIN_TRAINING_TIME_MS) & (times_ms <= now_ms + MAX_CLOCK_SKEW_MS)
    if not good.all():
        wrong = int(np.flatnonzero(~good)[0])
        raise UnusableInteractions(_no_time(path, cells.index[wrong], cells.iloc[wrong], times_ms[wrong], now_ms))
    return times_ms / 1000


def _no_time(path: Path, line: int, cell: str, time_ms: float, now_ms: int) -> str:
    fault = event_time_fault(time_ms, now_ms, MIN_TRAINING_TIME_MS) if np.isfinite(time_ms) else None
    return (
        f"{path}, line {line}: event_time {cell[:100]!r} is no time{f': it {fault}' if fault else ''}. "
        "Write ISO 8601 (2026-09-21T14:13:20Z), or seconds or milliseconds since the epoch."
    )
