"""What a fitted classifier is made of: a linear form, or a sum of trees."""

from dataclasses import dataclass
from typing import Any

from models.churn.calibration import Floats
from models.churn.tree_nodes import Tree, of_histogram_boosting, of_lightgbm, of_scikit_learn


@dataclass(frozen=True)
class Linear:
    """margin = x · weights + intercept. `weights` has shape `(n_features, 1)`."""

    weights: Floats
    intercept: float


@dataclass(frozen=True)
class Trees:
    """The sum of all trees and the base. `rates`: it is a rate, whose log odds are the margin."""

    trees: list[Tree]
    base: float
    rates: bool


def taken_apart(model: Any) -> Linear | Trees:
    """The parts of any classifier of `families`."""
    if hasattr(model, "coef_"):
        return Linear(model.coef_.reshape(-1, 1), float(model.intercept_[0]))
    if hasattr(model, "booster_"):
        return Trees(of_lightgbm(model.booster_), 0.0, rates=False)
    if hasattr(model, "learning_rate"):
        trees = [of_histogram_boosting(each.nodes) for (each,) in model._predictors]
        return Trees(trees, float(model._baseline_prediction[0, 0]), rates=False)
    weight = 1 / len(model.estimators_)
    return Trees([of_scikit_learn(each.tree_, weight) for each in model.estimators_], 0.0, rates=True)
