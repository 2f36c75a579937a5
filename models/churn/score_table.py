"""A whole table scored, in batches as the stream has them."""

from collections.abc import Callable

import pandas as pd

from models.churn.errors import UnusableTable
from models.churn.onnx_model import ChurnModel, Scores

BATCH = 1_000


def score_table(
    model: ChurnModel, table: pd.DataFrame, progress: Callable[[int], None] = lambda _: None
) -> pd.DataFrame:
    """Identifier, probability, label, reasons and, for a row that was refused, why; rows stay in order.

    Raises
    ------
    UnusableTable
        Columns of the model are missing.
    """
    _require_columns(model, table)
    parts = []
    for start in range(0, len(table), BATCH):
        part = table.iloc[start : start + BATCH]
        columns = {column.name: part[column.name].tolist() for column in model.contract.columns}
        parts.append(_as_table(model, part, model.predict(columns, reasons=True)))
        progress(len(part))
    return pd.concat(parts, ignore_index=True)


def _require_columns(model: ChurnModel, table: pd.DataFrame) -> None:
    missing = [column.name for column in model.contract.columns if column.name not in table]
    if missing:
        raise UnusableTable(f"Columns are missing: {', '.join(missing)}. The model was trained with them.")


def _as_table(model: ChurnModel, part: pd.DataFrame, scores: Scores) -> pd.DataFrame:
    contract, rows = model.contract, range(len(part))
    named = contract.identifier is not None and contract.identifier in part
    labels = [contract.positive if label else contract.negative for label in scores.labels]
    return pd.DataFrame(
        {
            (contract.identifier or "row"): part[contract.identifier].tolist() if named else (part.index + 1).tolist(),
            "probability": scores.probabilities.round(6),
            "label": ["" if row in scores.refusals else labels[row] for row in rows],
            "reasons": ["; ".join(reason.words for reason in reasons) for reasons in scores.reasons],
            "refused": [scores.refusals.get(row, "") for row in rows],
        }
    )
