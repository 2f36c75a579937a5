"""Who took what and when, read from a file and put in order."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.recommend.errors import UnusableInteractions
from models.recommend.history import Items

FEWEST_INTERACTIONS, FEWEST_ITEMS = 100, 20
MOST_ITEMS = 5_000
"""Tables are dense: four of them, 100 MB each at this size, and three in the graph."""

MILLISECONDS_FROM = 1e11
"""Numbers from here on are taken for milliseconds: as seconds it would be the year 5138."""


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


def read_interactions(path: Path) -> Interactions:
    """Of a CSV with the columns `user`, `item` and `event_time` (ISO 8601, or seconds or milliseconds since the epoch).

    Raises
    ------
    UnusableInteractions
        The file cannot be read, lacks a column, has blanks or times that are none, is too small, or has more than
        MOST_ITEMS items.
    """
    table = _read(path, ("user", "item", "event_time"))
    read = Interactions.of(table["user"], table["item"], _seconds(path, table["event_time"]))
    if len(read) < FEWEST_INTERACTIONS or len(read.item_names) < FEWEST_ITEMS:
        raise UnusableInteractions(
            f"{path} has {len(read):,} interactions with {len(read.item_names):,} items. "
            f"It takes {FEWEST_INTERACTIONS} with {FEWEST_ITEMS} or more."
        )
    if len(read.item_names) > MOST_ITEMS:
        raise UnusableInteractions(
            f"{path} has {len(read.item_names):,} items; {MOST_ITEMS:,} is the most. Leave out the rarest."
        )
    return read


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
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnusableInteractions(f"{path} cannot be read as a UTF-8 CSV with a header line: {error}") from None
    missing = [name for name in columns if name not in table]
    if missing:
        raise UnusableInteractions(f"{path} has no column {missing[0]!r}. It has: {', '.join(table)}.")
    for name in columns:
        blank = np.flatnonzero(table[name].str.strip() == "")
        if len(blank):
            raise UnusableInteractions(f"{path}, line {blank[0] + 2}: {name} is blank.")
    return table


def _seconds(path: Path, cells: pd.Series) -> npt.NDArray[np.float64]:
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    numbers = np.where(numbers >= MILLISECONDS_FROM, numbers / 1000, numbers)
    written = np.isnan(numbers)
    if written.any():
        moments = pd.to_datetime(cells[written], errors="coerce", utc=True, format="ISO8601")
        numbers[written] = (moments - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise UnusableInteractions(
            f"{path}, line {wrong[0] + 2}: event_time {cells.iloc[wrong[0]]!r} is no time. "
            "Write ISO 8601, or seconds or milliseconds since the epoch."
        )
    return numbers
