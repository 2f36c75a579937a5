"""The one scikit-learn pipeline of every model, from raw columns to a classifier; each step is an option."""

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from models.churn.contract import Column
from models.churn.float32_scaler import Float32Scaler


class Steps(BaseModel):
    """What stands between the columns and the model.

    Parameters
    ----------
    scale
        Numbers to mean 0 and deviation 1. Trees do not need it, a logistic regression does.
    mark_missing
        A column more for each number that had blanks in training.
    reduce_to
        Principal components instead of the columns; None: none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    scale: bool = True
    mark_missing: bool = False
    reduce_to: int | None = Field(default=None, ge=1)


def make_pipeline(columns: tuple[Column, ...], steps: Steps, classifier: Any, seed: int) -> Pipeline:
    """Unfitted; reads a frame of `frames.features`."""
    reduce = "passthrough" if steps.reduce_to is None else PCA(steps.reduce_to, random_state=seed)
    return Pipeline([("columns", _columns(columns, steps)), ("reduce", reduce), ("model", classifier)])


def _columns(columns: tuple[Column, ...], steps: Steps) -> ColumnTransformer:
    numbers = [column.name for column in columns if column.kind == "number"]
    categories = [column.name for column in columns if column.kind == "category"]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    parts = [("numbers", _numbers(steps), numbers), ("categories", one_hot, categories)]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0)


def _numbers(steps: Steps) -> Pipeline:
    # A number that is blank throughout a fold keeps its place: the graph's columns do not depend on the fold.
    impute = SimpleImputer(strategy="median", add_indicator=steps.mark_missing, keep_empty_features=True)
    return Pipeline([("impute", impute), ("scale", Float32Scaler() if steps.scale else "passthrough")])
