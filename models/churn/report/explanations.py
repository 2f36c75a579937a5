"""What the model goes by: permutation importance, Shapley values, partial dependence."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from models.churn.contract import MISSING, Column
from models.churn.settings import TrainingSettings
from models.churn.shapley import Score, shapley_values, with_column
from models.churn.training import Prepared
from models.churn.tuning import Fitted, Side, fit

REPEATS = 5
EXPLAINED_ROWS = 400
DEPENDENCE_ROWS = 500
DEPENDENCE_COLUMNS = 6
GRID = 20


def permutation_importance(fitted: Fitted, prepared: Prepared, settings: TrainingSettings) -> dict[str, Any]:
    """ROC AUC that is lost when a column is shuffled, on a quarter of the rows.

    By a model of the same parameters that learned the other three quarters: on rows that a model has learned,
    what it learned by heart looks important.
    """
    labels, columns = prepared.target.labels, prepared.schema.columns
    learned, held_back = train_test_split(
        np.arange(len(labels)), test_size=0.25, stratify=labels, random_state=settings.seed
    )
    side = Side.of(prepared.frame.iloc[learned], labels[learned], columns, settings)
    model = fit(fitted.family, fitted.parameters, side)
    frame, truth = prepared.frame.iloc[held_back], labels[held_back]
    whole = roc_auc_score(truth, model.probabilities(frame))
    rng = np.random.default_rng(settings.seed)
    lost = {name: _lost(model, frame, truth, name, whole, rng) for name in frame.columns}
    return {name: {"mean": float(np.mean(each)), "deviation": float(np.std(each))} for name, each in lost.items()}


def _lost(model: Fitted, frame: pd.DataFrame, truth: Any, name: str, whole: float, rng: Any) -> list[float]:
    shuffled = [with_column(frame, name, rng.permutation(frame[name].to_numpy())) for _ in range(REPEATS)]
    return [whole - float(roc_auc_score(truth, model.probabilities(each))) for each in shuffled]


def shapley_summary(score: Score, frame: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Shapley values of some rows on the log odds, the strongest column first, with where each value ranks."""
    rows = frame.sample(min(EXPLAINED_ROWS, len(frame)), random_state=seed)
    values = shapley_values(score, rows, frame, 6, seed)
    strength = np.abs(values).mean(axis=0)
    order = np.argsort(-strength)
    return {
        str(frame.columns[j]): {
            "mean_absolute": float(strength[j]),
            "values": values[:, j].round(4).tolist(),
            "ranks": _ranks(rows.iloc[:, j]),
        }
        for j in order
    }


def _ranks(cells: pd.Series) -> list[float | None] | None:
    """0 for the lowest number to 1 for the highest; None for categories."""
    if cells.dtype == object:
        return None
    return [None if np.isnan(rank) else round(float(rank), 3) for rank in cells.rank(pct=True)]


def partial_dependence(
    score: Score, frame: pd.DataFrame, columns: tuple[Column, ...], strongest: list[str], seed: int
) -> dict[str, Any]:
    """Mean probability when everyone has this value, for the strongest columns."""
    rows = frame.sample(min(DEPENDENCE_ROWS, len(frame)), random_state=seed)
    by_name = {column.name: column for column in columns}
    return {
        name: [_point(score, rows, name, value) for value in _grid(frame[name], by_name[name])]
        for name in strongest[:DEPENDENCE_COLUMNS]
    }


def _point(score: Score, rows: pd.DataFrame, name: str, value: Any) -> dict[str, Any]:
    column = np.full(len(rows), value, rows[name].dtype)
    mean = float((1 / (1 + np.exp(-score(with_column(rows, name, column))))).mean())
    return {"value": (value or "blank") if isinstance(value, str) else float(value), "probability": mean}


def _grid(cells: pd.Series, column: Column) -> list[Any]:
    if column.kind == "category":
        return list(column.categories) or [MISSING]
    filled = cells.dropna()
    return list(np.unique(np.quantile(filled, np.linspace(0.01, 0.99, GRID))).tolist())
