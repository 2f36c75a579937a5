"""How far a figure could be off by the luck of which customers are in the table: bootstrap."""

import numpy as np

from models.churn.calibration import Floats, Labels
from models.churn.metrics import NAMES, calibration_error

LEVEL = 0.95


def intervals(labels: Labels, probabilities: Floats, n_bootstraps: int, seed: int) -> dict[str, list[float]]:
    """Lower and upper end of each figure: percentiles over tables drawn with replacement.

    The models are not trained anew, so the luck of the training is not in it; the deviation over folds has that.
    """
    rng = np.random.default_rng(seed)
    order = np.lexsort((labels, probabilities))
    ordered = Ordered(labels[order], probabilities[order])
    drawn = [ordered.figures(_drawn(ordered.labels, rng)) for _ in range(n_bootstraps)]
    ends = 50 * (1 - LEVEL), 50 * (1 + LEVEL)
    return {name: np.percentile([each[name] for each in drawn], ends).tolist() for name in NAMES}


def _drawn(labels: Labels, rng: np.random.Generator) -> Labels:
    """How often each row is drawn; class by class, so that no table is without one."""
    classes = [np.flatnonzero(labels == value) for value in (0, 1)]
    rows = np.concatenate([rng.choice(rows, len(rows)) for rows in classes])
    return np.bincount(rows, minlength=len(labels))


class Ordered:
    """Rows in the order of their probability, so that the figures of a drawn table need no sorting.

    scikit-learn's functions sort and check each of a thousand tables anew, which took longer than two folds of
    the validation. A test holds both to the same figures.
    """

    def __init__(self, labels: Labels, probabilities: Floats) -> None:
        self.labels, self.probabilities = labels, probabilities
        self._ties = np.flatnonzero(np.diff(probabilities, prepend=-1.0))
        predicted = np.clip(probabilities, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
        self._log_losses = -np.where(labels == 1, np.log(predicted), np.log1p(-predicted))
        self._squares = (probabilities - labels) ** 2

    def figures(self, counts: Labels) -> dict[str, float]:
        """Of the table that has each row as often as `counts` says; by the names of `metrics.NAMES`."""
        left, stayed = (np.add.reduceat(counts * (self.labels == value), self._ties) for value in (1, 0))
        n = counts.sum()
        rows = np.repeat(np.arange(len(counts)), counts)
        return {
            "roc_auc": float((left * (np.cumsum(stayed) - stayed / 2)).sum() / (left.sum() * stayed.sum())),
            "average_precision": _average_precision(left[::-1], stayed[::-1]),
            "brier": float(counts @ self._squares / n),
            "log_loss": float(counts @ self._log_losses / n),
            "calibration_error": calibration_error(self.labels[rows], self.probabilities[rows]),
        }


def _average_precision(left: Labels, stayed: Labels) -> float:
    """Of counts by probability, the highest first."""
    found = np.cumsum(left)
    precision = found / np.maximum(found + np.cumsum(stayed), 1)
    return float((left * precision).sum() / left.sum())
