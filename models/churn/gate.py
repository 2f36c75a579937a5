"""The gate of the export: the graph must score as scikit-learn does, on rows chosen to tell them apart."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.churn.classifiers import Trees, taken_apart
from models.churn.contract import CATEGORY_CODES, MISSING, UNKNOWN_CODE, Column
from models.churn.errors import ExportRefused
from models.churn.numbers import Float32s
from models.churn.raw_values import LARGEST, NO_TEXT
from models.churn.tree_nodes import rounded_down
from models.churn.tuning import Fitted

MAX_DIFFERENCE = 1e-5
MIN_ROWS = 2_000
MAX_THRESHOLDS = 200
UNKNOWN = "a category that no table had"
EXTREMES = (0.0, -0.0, 1e-38, -1.0, 1e12, -1e12, LARGEST, -LARGEST)
SHOWN_ROWS = 5


@dataclass(frozen=True)
class GateFigures:
    """What the comparison found."""

    rows: int
    rows_at_split_thresholds: int
    largest_difference: float
    flipped_labels: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def pass_gate(fitted: Fitted, session: Any, frame: pd.DataFrame, columns: tuple[Column, ...], seed: int) -> GateFigures:
    """The figures of a graph that scores as the pipeline does.

    Raises
    ------
    ExportRefused
        A probability differs by more than MAX_DIFFERENCE, or a label does; the message shows the rows.
    """
    rows, n_at_thresholds = gate_rows(fitted, frame, columns, seed)
    exact = fitted.probabilities(rows)
    largest = 0.0
    for inputs in _inputs(rows, columns):
        exported, labels = session.run(["probability", "label"], inputs)
        differences = np.abs(exported - exact)
        differences[np.isnan(differences)] = np.inf
        flipped = labels != (exact >= fitted.threshold)
        wrong = np.flatnonzero((differences > MAX_DIFFERENCE) | flipped)
        if len(wrong):
            raise ExportRefused(_difference_report(rows, exact, exported, wrong[np.argsort(-differences[wrong])]))
        largest = max(largest, float(differences.max()))
    return GateFigures(len(rows), n_at_thresholds, largest, 0)


def _inputs(rows: pd.DataFrame, columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """Both ways in which the graph takes categories: as text and as codes."""
    text = {column.name: rows[column.name].to_numpy().reshape(-1, 1) for column in columns}
    categories = [column for column in columns if column.kind == "category"]
    if not categories:
        return [text]
    codes = [_codes(rows[column.name], column) for column in categories]
    not_read = {column.name: NO_TEXT for column in categories}
    return [text, text | not_read | {CATEGORY_CODES: np.stack(codes)}]


def _codes(cells: pd.Series, column: Column) -> Any:
    places = {category: place for place, category in enumerate(column.categories)}
    return cells.map(places).fillna(UNKNOWN_CODE).to_numpy(np.int32)


def _difference_report(rows: pd.DataFrame, exact: Any, exported: Any, wrong: Any) -> str:
    shown = [
        f"scikit-learn {exact[i]:.7f}, graph {exported[i]:.7f}: {rows.iloc[i].to_dict()}" for i in wrong[:SHOWN_ROWS]
    ]
    return f"The exported graph differs in {len(wrong):,} of {len(rows):,} rows. The worst:\n" + "\n".join(shown)


def gate_rows(fitted: Fitted, frame: pd.DataFrame, columns: tuple[Column, ...], seed: int) -> tuple[pd.DataFrame, int]:
    """Rows of the table, and copies of them changed in one column; how many stand at a split threshold."""
    rng = np.random.default_rng(seed)
    numbers = [column.name for column in columns if column.kind == "number"]
    splits = split_values(fitted, numbers)
    at_splits = [_with(frame, name, values, rng) for name, values in splits.items() if len(values)]
    odd = [_with(frame, column.name, _odd_values(column), rng) for column in columns for _ in range(4)]
    strange = _with_strangers(frame, columns, rng)
    n_rest = max(MIN_ROWS, len(frame))
    rest = frame.sample(n_rest, replace=n_rest > len(frame), random_state=seed)
    rows = pd.concat([*at_splits, *odd, strange, rest], ignore_index=True)
    return rows, sum(map(len, at_splits))


def _with(frame: pd.DataFrame, name: str, values: Sequence[Any] | Float32s, rng: np.random.Generator) -> pd.DataFrame:
    drawn = frame.iloc[rng.integers(0, len(frame), len(values))].copy()
    drawn[name] = np.asarray(values, frame[name].dtype)
    return drawn


def _odd_values(column: Column) -> list[Any]:
    if column.kind == "number":
        return [*EXTREMES, np.nan]
    return [UNKNOWN, MISSING, column.categories[0].upper() + " ", *column.categories]


def _with_strangers(frame: pd.DataFrame, columns: tuple[Column, ...], rng: np.random.Generator) -> pd.DataFrame:
    """Rows in which each cell is odd by one chance in three."""
    drawn = frame.iloc[rng.integers(0, len(frame), 200)].copy()
    for column in columns:
        values = np.array(_odd_values(column), frame[column.name].dtype)
        strange = rng.choice(values, len(drawn))
        drawn[column.name] = np.where(rng.random(len(drawn)) < 1 / 3, strange, drawn[column.name])
    return drawn


def split_values(fitted: Fitted, numbers: list[str]) -> dict[str, Float32s]:
    """Raw values at which the trees decide, with their float32 neighbours; none behind principal components."""
    model = taken_apart(fitted.pipeline["model"])
    if not isinstance(model, Trees) or fitted.pipeline["reduce"] != "passthrough":
        return {}
    if not numbers:
        return {}
    scale = fitted.pipeline["columns"].named_transformers_["numbers"]["scale"]
    splits = {}
    for number, name in enumerate(numbers):
        thresholds = _thresholds(model, number)
        if scale != "passthrough":
            thresholds = thresholds / scale.scale_[number] + scale.mean_[number]
        splits[name] = _neighbourhood(thresholds.astype(np.float32))
    return splits


def _thresholds(model: Trees, feature: int) -> Float32s:
    found = {
        threshold
        for tree in model.trees
        for split, threshold in zip(tree.feature, tree.threshold, strict=True)
        if split == feature
    }
    thresholds: Float32s = rounded_down(np.array(sorted(found)))
    return thresholds[:: max(1, len(thresholds) // MAX_THRESHOLDS)]


def _neighbourhood(values: Float32s) -> Float32s:
    up, down = np.float32(np.inf), np.float32(-np.inf)
    above, below = np.nextafter(values, up), np.nextafter(values, down)
    return np.concatenate([np.nextafter(below, down), below, values, above, np.nextafter(above, up)])
