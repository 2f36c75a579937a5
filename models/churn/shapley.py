"""What each raw column adds to a row's score, against other rows: Shapley values by sampling."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from models.churn.calibration import Floats

Score = Callable[[pd.DataFrame], Floats]


def shapley_values(score: Score, rows: pd.DataFrame, background: pd.DataFrame, rounds: int, seed: int) -> Floats:
    """Shapley values of the raw columns, sampled over orders and background rows [1]_.

    Each round draws an order of the columns and a background row for each row, and turns the background row into
    the row one column at a time; what the score moves is the column's. Every order is also walked backwards,
    which halves the noise [2]_. A row's values add up to its score minus its background rows' mean.

    Returns
    -------
    values
        Shape `(n, n_columns)`.

    References
    ----------
    .. [1] E. Štrumbelj and I. Kononenko, Explaining prediction models and individual predictions with feature
       contributions, Knowledge and Information Systems 41, 2014.
    .. [2] R. Mitchell, J. Cooper, E. Frank and G. Holmes, Sampling permutations for Shapley value estimation,
       Journal of Machine Learning Research 23, 2022.
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(rows.shape)
    for _ in range(rounds):
        order = rng.permutation(rows.shape[1])
        drawn = background.iloc[rng.integers(0, len(background), len(rows))]
        for walk in (order, order[::-1]):
            total[:, walk] += _walked(score, rows, drawn, walk)
    return total / (2 * rounds)


def with_column(frame: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:
    """A copy with these values; unlike `DataFrame.assign` for a column of any name, `self` too."""
    copy = frame.copy()
    copy[name] = values
    return copy


def _walked(score: Score, rows: pd.DataFrame, drawn: pd.DataFrame, walk: Floats) -> Floats:
    """Differences in the order of the walk."""
    current = drawn.set_axis(rows.index)
    scores = [score(current)]
    for column in rows.columns[walk]:
        current = with_column(current, column, rows[column])
        scores.append(score(current))
    return np.diff(np.stack(scores, axis=1), axis=1)
