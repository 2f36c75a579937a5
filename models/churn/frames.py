"""The columns of a model as it sees them: float32 numbers with NaN, categories as text."""

from collections.abc import Sequence

import pandas as pd

from models.churn.contract import Column
from models.churn.errors import UnusableTable
from models.churn.numbers import as_float32


def features(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """The model's columns of a table of text, in its order.

    Raises
    ------
    UnusableTable
        Columns are missing.
    """
    missing = [column.name for column in columns if column.name not in table]
    if missing:
        raise UnusableTable(f"Columns are missing: {', '.join(missing)}. The model was trained with them.")
    return pd.DataFrame({column.name: _typed(table[column.name], column) for column in columns}, index=table.index)


def _typed(cells: pd.Series, column: Column) -> object:
    return as_float32(cells, column.notation) if column.kind == "number" else cells.astype(object)
