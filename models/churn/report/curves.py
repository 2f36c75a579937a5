"""Points of the report's curves."""

from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from models.churn.calibration import Floats, Labels
from models.churn.costs import Costs
from models.churn.metrics import BINS

MAX_POINTS = 200

Curve = dict[str, list[float]]


def roc(labels: Labels, probabilities: Floats) -> Curve:
    """The ROC curve: recall over the false alarm rate, at every threshold."""
    false_alarms, found, _ = roc_curve(labels, probabilities)
    return _thinned({"false_alarm_rate": false_alarms, "recall": found})


def precision_recall(labels: Labels, probabilities: Floats) -> Curve:
    """Precision over recall, at every threshold."""
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    return _thinned({"recall": recall[::-1], "precision": precision[::-1]})


def calibration(labels: Labels, probabilities: Floats, bins: int = BINS) -> Curve:
    """Said and seen rate of bins of equal counts, with the standard error of what was seen."""
    parts = [part for part in np.array_split(np.argsort(probabilities, kind="stable"), bins) if len(part)]
    seen = np.array([labels[part].mean() for part in parts])
    error = np.sqrt(seen * (1 - seen) / [len(part) for part in parts])
    predicted = np.array([probabilities[part].mean() for part in parts])
    return {"predicted": predicted.tolist(), "observed": seen.tolist(), "standard_error": error.tolist()}


def lift(labels: Labels, probabilities: Floats) -> Curve:
    """How many times the rate of all is found among the share of highest risk."""
    found = np.cumsum(labels[np.argsort(-probabilities, kind="stable")])
    counts = np.arange(1, len(labels) + 1)
    share = counts / len(labels)
    return _thinned({"share": share, "lift": found / counts / labels.mean(), "recall": found / labels.sum()})


def profit(labels: Labels, probabilities: Floats, costs: Costs) -> Curve:
    """What flagging the share of highest risk saves a customer, against flagging nobody."""
    left = labels[np.argsort(-probabilities, kind="stable")]
    saved = np.cumsum(np.where(left == 1, costs.miss, -costs.false_alarm)) / len(left)
    share = np.arange(1, len(left) + 1) / len(left)
    return _thinned({"share": np.append(0, share), "saved": np.append(0, saved)})


def _thinned(curve: dict[str, Any]) -> Curve:
    length = len(next(iter(curve.values())))
    kept = np.unique(np.linspace(0, length - 1, MAX_POINTS).round().astype(int))
    return {name: np.asarray(points)[kept].tolist() for name, points in curve.items()}
