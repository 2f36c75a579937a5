"""What the columns of a table are: numbers, categories, identifiers, or of no use."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.churn.contract import MISSING, RESERVED, Column
from models.churn.errors import UnusableTable
from models.churn.leakage import leaks
from models.churn.numbers import parsed, share_of_numbers
from models.churn.target import Target

LEAK_AUC = 0.95
MOST_CATEGORIES = 60
DISTINCT_SHARE = 0.9
NUMBER_SHARE = 0.98
LOOKED_AT = 50
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_DECORATED_NUMBER = re.compile(r"[^\w\s]?\s?-?\d[\d.,' ]*\s?[^\w\s]?")
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|key|no|number|index)$|(?<=[a-z])I[Dd]$|^row|^unnamed", re.IGNORECASE)


@dataclass(frozen=True)
class Dropped:
    """A column that is not learned from, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Schema:
    """What is learned from, what is not, and which column names the customer.

    `alone`: the ROC AUC of each kept column by itself.
    """

    columns: tuple[Column, ...]
    dropped: tuple[Dropped, ...]
    identifier: str | None
    alone: dict[str, float]

    def of_kind(self, kind: str) -> list[str]:
        return [column.name for column in self.columns if column.kind == kind]


def infer(
    table: pd.DataFrame,
    target: Target,
    *,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
    leak_auc: float = LEAK_AUC,
    seed: int = 0,
) -> Schema:
    """The schema of a table of text (`read_table`).

    Parameters
    ----------
    keep, drop
        Columns that stay whatever is thought of them, and columns that go.
    leak_auc
        A column that alone reaches this ROC AUC, and is not in `keep`, is dropped as a leak.

    Raises
    ------
    UnusableTable
        A column of `keep` or `drop` is not there, one has a name of the graph's, or nothing is left to learn from.
    """
    _require_known(table, [*keep, *drop])
    judged = {name: _reason(table[name], name in keep, name in drop) for name in table.columns if name != target.name}
    columns = tuple(_column(table[name]) for name, reason in judged.items() if reason is None)
    alone = leaks(table, columns, target.labels, seed)
    leaking = {name: auc for name, auc in alone.items() if auc >= leak_auc and name not in keep}
    judged |= {name: _leak_reason(name, auc) for name, auc in leaking.items()}
    kept = tuple(column for column in columns if column.name not in leaking)
    taken = [column.name for column in kept if column.name in RESERVED]
    if taken:
        raise UnusableTable(f"The model has a tensor of its own named {taken[0]!r}. Rename that column.")
    if not judged:
        raise UnusableTable(f"There is no column but {target.name!r}, and nothing to learn from.")
    if not kept:
        raise UnusableTable("No column is left to learn from. " + "; ".join(f"{n}: {r}" for n, r in judged.items()))
    dropped = tuple(Dropped(name, reason) for name, reason in judged.items() if reason is not None)
    return Schema(kept, dropped, _identifier(dropped), {column.name: alone[column.name] for column in kept})


def _require_known(table: pd.DataFrame, names: Collection[str]) -> None:
    for name in names:
        if name not in table:
            raise UnusableTable(f"No column {name!r} to keep or drop. There are: {', '.join(table.columns)}")


def _leak_reason(name: str, auc: float) -> str:
    return f"leak: alone it predicts with AUC {auc:.3f}; if it is known beforehand, say --keep {name}"


def _reason(cells: pd.Series, keep: bool, drop: bool) -> str | None:
    """Why a column is of no use, if it is."""
    if drop:
        return "dropped by you"
    distinct = cells.nunique()
    if distinct == 1:
        return f"constant: {cells.iloc[0]!r} in every row" if cells.iloc[0] != MISSING else "blank in every row"
    if keep:
        return None
    filled = cells[cells != MISSING]
    if share_of_numbers(cells) >= NUMBER_SHARE:
        return IDENTIFIER if _counts_rows(str(cells.name), parsed(filled)) else None
    is_identifier = filled.nunique() > DISTINCT_SHARE * len(filled)
    if not is_identifier and distinct <= MOST_CATEGORIES:
        return None
    if filled.head(LOOKED_AT).str.match(_DATE).all():
        return "date: give the days since it as a number"
    if filled.head(LOOKED_AT).str.fullmatch(_DECORATED_NUMBER).all():
        return f"number that is written as {filled.iloc[0]!r}: write it as 1234.5"
    return IDENTIFIER if is_identifier else f"too many categories: {distinct:,}, at most {MOST_CATEGORIES}"


IDENTIFIER = "identifier: another value in nearly every row"


def _counts_rows(name: str, numbers: pd.Series) -> bool:
    """Distinct whole numbers that are named as an identifier or count on by one."""
    if numbers.nunique() < len(numbers) or (numbers % 1 != 0).any():
        return False
    counts_on = numbers.max() - numbers.min() == len(numbers) - 1
    return bool(counts_on or _IDENTIFIER.search(name))


def _column(cells: pd.Series) -> Column:
    nullable = bool((cells == MISSING).any())
    name = str(cells.name)
    if share_of_numbers(cells) >= NUMBER_SHARE:
        numbers = parsed(cells)
        nullable = bool(numbers.isna().any())
        return Column(name=name, kind="number", nullable=nullable, reference=float(np.nanmedian(numbers)))
    usual = str(cells.mode().iloc[0])
    return Column(name=name, kind="category", nullable=nullable, categories=tuple(sorted(set(cells))), reference=usual)


def _identifier(dropped: tuple[Dropped, ...]) -> str | None:
    named = [each.name for each in dropped if each.reason == IDENTIFIER]
    return min(named, key=lambda name: _IDENTIFIER.search(name) is None) if named else None
