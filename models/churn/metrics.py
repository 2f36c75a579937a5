"""Figures of probabilities against what came true."""

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from models.churn.calibration import Floats, Labels

BINS = 15
NAMES = ("roc_auc", "average_precision", "brier", "log_loss", "calibration_error")


def figures(labels: Labels, probabilities: Floats) -> dict[str, float]:
    """By the names of NAMES."""
    return {
        "roc_auc": float(roc_auc_score(labels, probabilities)),
        "average_precision": float(average_precision_score(labels, probabilities)),
        "brier": float(brier_score_loss(labels, probabilities)),
        "log_loss": float(log_loss(labels, probabilities)),
        "calibration_error": calibration_error(labels, probabilities),
    }


def calibration_error(labels: Labels, probabilities: Floats, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of said and seen rate over bins of equal counts.

    Examples
    --------
    >>> calibration_error(np.array([0, 1, 0, 1]), np.array([.5, .5, .5, .5]), bins=1)
    0.0
    """
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    distances = [abs(probabilities[part].mean() - labels[part].mean()) * len(part) for part in parts]
    return float(sum(distances) / len(labels))
