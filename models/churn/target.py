"""The column that is predicted: two values, one of which means that the customer left."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.contract import MISSING
from models.churn.errors import UnusableTable
from models.churn.number_text import is_missing_number

LEFT = frozenset(
    {
        *("yes", "1", "true", "y", "t", "churned", "churn", "left", "exited", "attrited customer", "1.0", "cancelled"),
        *("canceled", "attrited", "churner", "lost", "gone", "closed", "inactive", "quit", "terminated", "departed"),
        *("leaver", "unsubscribed", "on", "ja", "wahr", "gekündigt", "gekuendigt", "abgewandert", "verloren", "oui"),
        *("vrai", "parti", "résilié", "sí", "si", "verdadero", "sì", "vero", "sim", "verdadeiro", "ano", "áno", "tak"),
        *("igen", "kyllä", "evet", "jah", "taip", "да", "так", "ναι", "是", "はい", "예", "نعم", "כן"),
    }
)
"""What means that a customer left, in lower case."""
LIKELY_NAMES = ("churn", "churned", "exited", "left", "attrition", "attrition_flag", "is_churn", "target", "label")
MIN_ROWS = 100
MIN_ROWS_PER_CLASS = 20


@dataclass(frozen=True)
class Target:
    """The column's name, its two values, and 1 where the customer left. `labels` has shape `(n,)`."""

    name: str
    positive: str
    negative: str
    labels: npt.NDArray[np.int64]


def target_of(table: pd.DataFrame, name: str | None = None, positive: str | None = None) -> Target:
    """The target of a table, found by its name if none is given.

    Raises
    ------
    UnusableTable
        No such column, blanks in it, not two values, too few rows or too few of one class.
    """
    name = _found(table, name)
    cells = _spelled_alike(table[name])
    _require_two_values(cells)
    positive = _positive(cells, positive)
    labels = (cells == positive).to_numpy(np.int64)
    _require_enough(labels, name)
    (negative,) = set(cells) - {positive}
    return Target(name, positive, negative, labels)


def _found(table: pd.DataFrame, name: str | None) -> str:
    if name is not None:
        if name not in table:
            raise UnusableTable(f"No column {name!r}. Name it with --target: {', '.join(table.columns)}")
        return name
    likely = [column for column in table.columns if column.lower() in LIKELY_NAMES]
    if len(likely) != 1:
        raise UnusableTable(f"Which column says who left? Name it with --target: {', '.join(table.columns)}")
    return str(likely[0])


def _require_two_values(cells: pd.Series) -> None:
    values = sorted(set(cells))
    blanks = int((cells == MISSING if len(values) <= 2 else cells.map(is_missing_number)).sum())
    if blanks:
        raise UnusableTable(f"{cells.name!r} is blank in {blanks:,} rows. Remove them: they do not say who left.")
    if len(values) == 1:
        raise UnusableTable(
            f"{cells.name!r} is {values[0]!r:.60} in every row. A model needs those who left and who stayed."
        )
    if len(values) > 2:
        shown = ", ".join(f"{value!r:.60}" for value in values[:5])
        raise UnusableTable(
            f"{cells.name!r} has {len(values):,} values ({shown}, ...) and needs two. Another --target?"
        )


def _spelled_alike(cells: pd.Series) -> pd.Series:
    """Yes, YES and yes as the most frequent of them."""
    usual: dict[str, str] = {}
    for value, _ in Counter(cells).most_common():
        usual.setdefault(value.casefold(), value)
    return cells.map(lambda cell: usual[cell.casefold()])


def _positive(cells: pd.Series, positive: str | None) -> str:
    values = sorted(set(cells))
    if positive is not None:
        spellings = [value for value in values if value.casefold() == positive.casefold()]
        if not spellings:
            raise UnusableTable(
                f"{cells.name!r} is never {positive!r}. Name it with --positive: {values[0]!r} or {values[1]!r}."
            )
        return str(spellings[0])
    known = [value for value in values if value.casefold() in LEFT]
    if len(known) != 1:
        raise UnusableTable(
            f"Which value of {cells.name!r} means left? Name it with --positive: {values[0]!r} or {values[1]!r}."
        )
    return str(known[0])


def _require_enough(labels: npt.NDArray[np.int64], name: str) -> None:
    fewest = int(min(labels.sum(), len(labels) - labels.sum()))
    if len(labels) < MIN_ROWS or fewest < MIN_ROWS_PER_CLASS:
        raise UnusableTable(
            f"{len(labels):,} rows, {fewest:,} of the rarer value of {name!r}: too few. "
            f"It takes {MIN_ROWS} rows and {MIN_ROWS_PER_CLASS} of each value."
        )
