"""What the columns of a table are: numbers, categories, identifiers, or of no use."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.churn.contract import MISSING, RESERVED, Column
from models.churn.dates import are_dates, are_numeric_dates
from models.churn.errors import UnusableTable
from models.churn.identifiers import best_identifier, is_free_text, is_identifier_number, is_identifier_text
from models.churn.leakage import leaks
from models.churn.number_text import is_missing_number, is_plain, number_of, split_number
from models.churn.numbers import MAX_CATEGORIES, Reading, parsed, reading_of
from models.churn.raw_values import LARGEST
from models.churn.target import Target

LEAK_AUC = 0.95
MAX_SHOWN = 60
IDENTIFIER = "identifier: another value in nearly every row"
DATE = "date: give the days since it as a number"


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is not learned from, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Schema:
    """What is learned from, what is not, and which column names the customer.

    Parameters
    ----------
    alone
        The ROC AUC of each kept column by itself.
    notes
        How cells were read where it could have been meant otherwise, a sentence a column.
    """

    columns: tuple[Column, ...]
    dropped: tuple[DroppedColumn, ...]
    identifier: str | None
    alone: dict[str, float]
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> list[str]:
        return [column.name for column in self.columns if column.kind == kind]


@dataclass(frozen=True)
class _Judged:
    """One column. `reason`: why it is of no use, if it is. `names_rows`: whether it may be the identifier."""

    reading: Reading
    reason: str | None
    names_rows: bool = False


def infer(
    table: pd.DataFrame,
    target: Target,
    *,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
    identifier: str | None = None,
    leak_auc: float = LEAK_AUC,
    seed: int = 0,
) -> Schema:
    """The schema of a table of text (`read_table`).

    Parameters
    ----------
    keep, drop
        Columns that stay whatever is thought of them, and columns that go.
    identifier
        The column that names the customer, whatever is thought of it.
    leak_auc
        A column that alone reaches this ROC AUC, and is not in `keep`, is dropped as a leak.

    Raises
    ------
    UnusableTable
        A column of `keep`, `drop` or `identifier` is not there or is asked for twice, one has a name of the graph's,
        or nothing is left to learn from.
    """
    _require_known(table, [*keep, *drop])
    _require_identifier(table, target, identifier, keep)
    names = [str(name) for name in table.columns if name != target.name]
    judged = {name: _judged(table[name], name in keep, name in drop, name == identifier) for name in names}
    reasons = {name: each.reason for name, each in judged.items()}
    columns = tuple(_column(table[name], each.reading) for name, each in judged.items() if each.reason is None)
    _require_free_names(columns)
    alone = leaks(table, columns, target.labels, seed)
    reasons |= {name: _leak_reason(name, auc) for name, auc in alone.items() if auc >= leak_auc and name not in keep}
    kept = tuple(column for column in columns if reasons[column.name] is None)
    _require_some(kept, reasons, target)
    return Schema(
        kept,
        tuple(DroppedColumn(name, reason) for name, reason in reasons.items() if reason is not None),
        identifier or best_identifier([table[name] for name, each in judged.items() if each.names_rows]),
        {column.name: alone[column.name] for column in kept},
        tuple(note for column in kept for note in _notes(table[column.name], column)),
    )


def _require_known(table: pd.DataFrame, names: Collection[str]) -> None:
    for name in names:
        if name not in table:
            raise UnusableTable(f"No column {name!r} to keep or drop. There are: {', '.join(table.columns)}")


def _require_identifier(table: pd.DataFrame, target: Target, identifier: str | None, keep: Collection[str]) -> None:
    if identifier is None:
        return
    if identifier not in table:
        raise UnusableTable(f"No column {identifier!r} for --id. There are: {', '.join(table.columns)}")
    if identifier == target.name or identifier in keep:
        other = "the target" if identifier == target.name else "in --keep"
        raise UnusableTable(
            f"--id {identifier!r} is {other} too. An identifier is not learned from: name another column."
        )


def _require_free_names(columns: tuple[Column, ...]) -> None:
    taken = [column.name for column in columns if column.name in RESERVED]
    if taken:
        raise UnusableTable(f"The model has a tensor of its own named {taken[0]!r}. Rename that column.")


def _require_some(kept: tuple[Column, ...], reasons: dict[str, str | None], target: Target) -> None:
    if not reasons:
        raise UnusableTable(f"There is no column but {target.name!r}, and nothing to learn from.")
    if not kept:
        raise UnusableTable("No column is left to learn from. " + "; ".join(f"{n}: {r}" for n, r in reasons.items()))


def _leak_reason(name: str, auc: float) -> str:
    return f"leak: alone it predicts with AUC {auc:.3f}; if it is known beforehand, use --keep {name}"


def _judged(cells: pd.Series, keep: bool, drop: bool, is_identifier: bool) -> _Judged:
    """What a column is, and why it is of no use, if it is."""
    reading = reading_of(cells)
    if is_identifier:
        return _Judged(reading, "identifier: named with --id", True)
    constant = _constant(cells, reading)
    if constant and not drop:
        return _Judged(reading, constant)
    if keep and not drop:
        return _Judged(reading, None)
    found = _number(cells, reading) if reading.is_number else _text(cells, reading)
    # A dropped identifier is not learned from either way, and still says whose score it is.
    return _Judged(reading, "dropped by you", found.names_rows) if drop else found


def _constant(cells: pd.Series, reading: Reading) -> str | None:
    if cells.map(is_missing_number).all():
        return "blank in every row"
    distinct = cells.nunique()
    if reading.is_number:
        numbers = parsed(cells, reading.notation)
        if not numbers.notna().any():
            return "no finite number in any row"
        distinct = numbers.nunique(dropna=False)
    return f"constant: {cells.iloc[0]!r:.{MAX_SHOWN}} in every row" if distinct == 1 else None


def _number(cells: pd.Series, reading: Reading) -> _Judged:
    numbers = parsed(cells, reading.notation)
    has_unit = reading.notation is not None and bool(reading.notation.units)
    if not has_unit and are_numeric_dates(cells, numbers):
        return _Judged(reading, DATE)
    if not has_unit and is_identifier_number(cells, numbers):
        return _Judged(reading, IDENTIFIER, True)
    return _Judged(reading, None)


def _text(cells: pd.Series, reading: Reading) -> _Judged:
    if are_dates(cells):
        return _Judged(reading, DATE)
    if reading.fault is not None:
        return _Judged(reading, reading.fault)
    distinct = cells.nunique()
    if is_identifier_text(cells):
        if is_free_text(cells):
            return _Judged(reading, f"free text: {distinct:,} different texts")
        return _Judged(reading, IDENTIFIER, True)
    if distinct > MAX_CATEGORIES:
        return _Judged(reading, f"too many categories: {distinct:,}, at most {MAX_CATEGORIES}")
    return _Judged(reading, None)


def _column(cells: pd.Series, reading: Reading) -> Column:
    name = str(cells.name)
    if reading.is_number:
        numbers = parsed(cells, reading.notation)
        usual = float(np.clip(np.nanmedian(numbers), -LARGEST, LARGEST))
        nullable = bool(numbers.isna().any())
        return Column(name=name, kind="number", nullable=nullable, reference=usual, notation=reading.notation)
    return Column(
        name=name,
        kind="category",
        nullable=bool((cells == MISSING).any()),
        categories=tuple(sorted(set(cells))),
        reference=str(cells.mode().iloc[0]),
        missing_words=False,
    )


def _notes(cells: pd.Series, column: Column) -> list[str]:
    """Of numbers in a notation of their own, and of words that may stand for nothing."""
    notes = []
    if column.notation is not None:
        shown = next(cell for cell in cells if split_number(cell) and not is_plain(cell))
        notes.append(f"{column.name}: {shown!r} is read as {number_of(shown, column.notation):.12g}")
    counts = Counter(cell for cell in cells if cell != MISSING and is_missing_number(cell))
    if counts:
        words = ", ".join(f"{word!r:.{MAX_SHOWN}} in {rows:,} rows" for word, rows in counts.most_common(3))
        meaning = (
            "counts as missing" if column.kind == "number" else "is a category; leave a cell empty if it is missing"
        )
        notes.append(f"{column.name}: {words} {meaning}")
    return notes
