"""How far a figure could be off by the luck of which customers are in the table: bootstrap."""

import numpy as np

from models.churn.calibration import Floats, Labels
from models.churn.metrics import NAMES, figures

LEVEL = 0.95


def intervals(labels: Labels, probabilities: Floats, n_bootstraps: int, seed: int) -> dict[str, list[float]]:
    """Lower and upper end of each figure: percentiles over tables drawn with replacement.

    The models are not trained anew, so the luck of the training is not in it; the deviation over folds has that.
    """
    rng = np.random.default_rng(seed)
    drawn = [_drawn(labels, probabilities, rng) for _ in range(n_bootstraps)]
    ends = 50 * (1 - LEVEL), 50 * (1 + LEVEL)
    return {name: np.percentile([each[name] for each in drawn], ends).tolist() for name in NAMES}


def _drawn(labels: Labels, probabilities: Floats, rng: np.random.Generator) -> dict[str, float]:
    """Class by class, so that no table is without one."""
    classes = [np.flatnonzero(labels == value) for value in (0, 1)]
    rows = np.concatenate([rng.choice(rows, len(rows)) for rows in classes])
    return figures(labels[rows], probabilities[rows])
