"""The column that is predicted: two values, one of which means that the customer left."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.contract import MISSING
from models.churn.errors import UnusableTable

LEFT = ("yes", "1", "true", "y", "t", "churned", "churn", "left", "exited", "attrited customer", "1.0", "cancelled")
LIKELY_NAMES = ("churn", "churned", "exited", "left", "attrition", "attrition_flag", "is_churn", "target", "label")
FEWEST_ROWS = 100
FEWEST_OF_A_CLASS = 20


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
    cells = table[name]
    _require_two_values(cells)
    positive = _positive(cells, positive)
    labels = (cells == positive).to_numpy(np.int64)
    _require_enough(labels, name)
    (negative,) = set(cells) - {positive}
    return Target(name, positive, negative, labels)


def _found(table: pd.DataFrame, name: str | None) -> str:
    if name is not None:
        if name not in table:
            raise UnusableTable(f"No column {name!r}. Say --target with one of: {', '.join(table.columns)}")
        return name
    likely = [column for column in table.columns if column.lower() in LIKELY_NAMES]
    if len(likely) != 1:
        raise UnusableTable(f"Which column says who left? Say --target with one of: {', '.join(table.columns)}")
    return str(likely[0])


def _require_two_values(cells: pd.Series) -> None:
    blanks = int((cells == MISSING).sum())
    if blanks:
        raise UnusableTable(f"{cells.name!r} is blank in {blanks:,} rows. Remove them: they say nothing of who left.")
    values = sorted(set(cells))
    if len(values) == 1:
        raise UnusableTable(
            f"{cells.name!r} is {values[0]!r} in every row. A model needs those who left and who stayed."
        )
    if len(values) > 2:
        shown = ", ".join(repr(value) for value in values[:5])
        raise UnusableTable(
            f"{cells.name!r} has {len(values):,} values ({shown}, ...) and needs two. Another --target?"
        )


def _positive(cells: pd.Series, positive: str | None) -> str:
    values = sorted(set(cells))
    if positive is not None:
        if positive not in values:
            raise UnusableTable(
                f"{cells.name!r} is never {positive!r}. Say --positive with {values[0]!r} or {values[1]!r}."
            )
        return positive
    known = [value for value in values if value.lower() in LEFT]
    if len(known) != 1:
        raise UnusableTable(
            f"Which value of {cells.name!r} means left? Say --positive with {values[0]!r} or {values[1]!r}."
        )
    return str(known[0])


def _require_enough(labels: npt.NDArray[np.int64], name: str) -> None:
    fewest = int(min(labels.sum(), len(labels) - labels.sum()))
    if len(labels) < FEWEST_ROWS or fewest < FEWEST_OF_A_CLASS:
        raise UnusableTable(
            f"{len(labels):,} rows, {fewest:,} of the rarer value of {name!r}: too few. "
            f"It takes {FEWEST_ROWS} rows and {FEWEST_OF_A_CLASS} of each value."
        )
