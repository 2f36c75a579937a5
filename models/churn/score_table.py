"""A table of any length scored, in batches as the stream has them."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from models.churn.contract import Contract
from models.churn.errors import UnusableTable
from models.churn.onnx_model import ChurnModel, Scores

BATCH = 1_000


@dataclass
class Tally:
    """Of the rows that were scored. `unknown_categories`: values that the training had not seen, by column."""

    rows: int = 0
    flagged: int = 0
    refused: int = 0
    unknown_categories: Counter[str] = field(default_factory=Counter)

    def add(self, scores: Scores) -> None:
        self.rows += len(scores.labels)
        self.flagged += int(scores.labels.sum())
        self.refused += len(scores.refusals)
        self.unknown_categories.update(scores.unknown_categories)


def write_scores(model: ChurnModel, parts: Iterable[pd.DataFrame], out: Path) -> Tally:
    """A CSV of identifier, probability, label, reasons and, for a row that was refused, why; rows stay in order.

    `out` is there when all of it is: until then it is `out.part`.

    Raises
    ------
    UnusableTable
        Columns of the model are missing, or `out` cannot be written.
    """
    replaces = out.is_file() or not out.exists()  # a pipe or a device is written as it is
    partial = out.with_name(f"{out.name}.part") if replaces else out
    try:
        file = partial.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UnusableTable(f"{out} cannot be written: {error.strerror}") from None
    try:
        with file:
            tally = _written(model, parts, csv.writer(file))
        if replaces:
            partial.replace(out)
        return tally
    finally:
        if replaces:
            partial.unlink(missing_ok=True)


def _written(model: ChurnModel, parts: Iterable[pd.DataFrame], file: Any) -> Tally:
    tally = Tally()
    file.writerow([model.contract.identifier or "row", "probability", "label", "reasons", "refused"])
    for part in parts:
        _require_columns(model, part)
        for start in range(0, len(part), BATCH):
            batch = part.iloc[start : start + BATCH]
            columns = {column.name: batch[column.name].tolist() for column in model.contract.columns}
            scores = model.predict(columns, reasons=True)
            tally.add(scores)
            file.writerows(_rows(model.contract, batch, scores))
    return tally


def _require_columns(model: ChurnModel, table: pd.DataFrame) -> None:
    missing = [column.name for column in model.contract.columns if column.name not in table]
    if missing:
        raise UnusableTable(f"Columns are missing: {', '.join(missing)}. The model was trained with them.")


def _rows(contract: Contract, batch: pd.DataFrame, scores: Scores) -> Iterator[tuple[object, ...]]:
    named = contract.identifier is not None and contract.identifier in batch
    names = batch[contract.identifier].tolist() if named else (batch.index + 1).tolist()
    probabilities = scores.probabilities.round(6).tolist()
    for row, (name, probability, flagged) in enumerate(zip(names, probabilities, scores.labels, strict=True)):
        if row in scores.refusals:
            yield name, "", "", "", scores.refusals[row]
        else:
            label = contract.positive if flagged else contract.negative
            yield name, probability, label, "; ".join(reason.words for reason in scores.reasons[row]), ""
