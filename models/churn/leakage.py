"""Columns that know the answer: what was written down after the customer had left."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from models.churn.contract import Column
from models.churn.numbers import as_float32

FOLDS = 3


def auc_alone(cells: pd.Series, column: Column, labels: npt.NDArray[np.int64], seed: int) -> float:
    """ROC AUC that the column reaches by itself on rows it was not fitted to; .5 says nothing, 1 says all.

    A shallow tree, so that any shape counts; blanks go to a side of their own, because a blank can be the leak.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    if column.kind == "number":
        tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=10, random_state=seed)
        values = as_float32(cells, column.notation).reshape(-1, 1)
        scores = cross_val_predict(tree, values, labels, cv=folds, method="predict_proba")[:, 1]
    else:
        scores = _rates_out_of_fold(cells, labels, folds)
    return float(roc_auc_score(labels, scores))


def _rates_out_of_fold(
    cells: pd.Series, labels: npt.NDArray[np.int64], folds: StratifiedKFold
) -> npt.NDArray[np.float64]:
    """The rate of each category, from the other folds, drawn a little to the rate of all."""
    codes, categories = pd.factorize(cells)
    scores = np.empty(len(labels))
    for fitted, left_out in folds.split(codes, labels):
        rate = labels[fitted].mean()
        left = np.bincount(codes[fitted], labels[fitted], len(categories))
        seen = np.bincount(codes[fitted], minlength=len(categories))
        scores[left_out] = ((left + rate) / (seen + 1))[codes[left_out]]
    return scores


def leaks(
    table: pd.DataFrame, columns: tuple[Column, ...], labels: npt.NDArray[np.int64], seed: int
) -> dict[str, float]:
    """The AUC of each column alone, by name."""
    return {column.name: auc_alone(table[column.name], column, labels, seed) for column in columns}
