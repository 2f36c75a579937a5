"""Log odds of a model to probabilities that come true as often as they say."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CLIP = 1e-6
"""A forest's probabilities end here before their logarithm is taken, in the graph as well."""


def margins(model: Any, ready: Any) -> Floats:
    """Log odds before calibration, of features as the classifier reads them. Shape `(n,)`."""
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(ready), np.float64)
    if hasattr(model, "booster_"):
        return np.asarray(model.booster_.predict(ready, raw_score=True), np.float64)
    return np.asarray(logit(np.clip(model.predict_proba(ready)[:, 1], CLIP, 1 - CLIP)), np.float64)


@dataclass(frozen=True)
class Calibration:
    """p = 1 / (1 + exp(-(slope * margin + intercept))) [1]_.

    Two numbers, fitted on margins of rows that their model had not learned. A slope of 0 or less, which
    turns the order around, comes from a model that knows nothing: it becomes 0, the rate of all for each.

    References
    ----------
    .. [1] J. Platt, Probabilistic outputs for support vector machines, 1999.
    """

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, out_of_fold: Floats, labels: Labels) -> "Calibration":
        # A model that is held tight has margins close together, on which the solver would stop too early.
        middle, spread = float(out_of_fold.mean()), float(out_of_fold.std()) or 1.0
        standard = ((out_of_fold - middle) / spread).reshape(-1, 1)
        regression = LogisticRegression(C=1e6, solver="newton-cholesky").fit(standard, labels)
        slope = float(regression.coef_[0, 0]) / spread
        if slope <= 0:
            return cls(0.0, float(logit(labels.mean())))
        return cls(slope, float(regression.intercept_[0]) - slope * middle)

    def probabilities(self, raw: Floats) -> Floats:
        return np.asarray(expit(self.slope * raw + self.intercept), np.float64)
