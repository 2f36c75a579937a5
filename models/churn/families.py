"""The models to choose from: how each is made, and where its tuning looks.

The searches end at a hundred small trees: a row costs the stream about 8 ns for each node that it passes, or less
as products of splits (`split_terms`), and on tables of some thousand rows more or larger trees at a lower rate
gained at most .001 of ROC AUC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from models.churn.histogram_boosting import HistogramBoosting

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """One kind of model.

    Parameters
    ----------
    make
        Gives an unfitted classifier with these parameters and this seed.
    start
        What is tried first: sensible on tables of some thousand rows.
    suggest
        Draws parameters from an optuna trial.
    """

    make: Callable[[Parameters, int], Any]
    start: Parameters
    suggest: Callable[[Any], Parameters]


def _suggest_logistic(trial: Any) -> Parameters:
    return {"C": trial.suggest_float("C", 1e-3, 1e2, log=True)}


def _suggest_forest(trial: Any) -> Parameters:
    return {
        "max_depth": trial.suggest_int("max_depth", 3, 8),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 60, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 0.6),
    }


def _suggest_boosting(trial: Any) -> Parameters:
    return {
        "max_iter": trial.suggest_int("max_iter", 40, 100),
        "learning_rate": trial.suggest_float("learning_rate", 0.04, 0.2, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 2, 6),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 60, log=True),
        "max_features": trial.suggest_float("max_features", 0.2, 1.0),
        "l2_regularization": trial.suggest_float("l2_regularization", 1e-2, 30, log=True),
    }


def _suggest_lightgbm(trial: Any) -> Parameters:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 40, 100),
        "learning_rate": trial.suggest_float("learning_rate", 0.04, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 2, 6),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 100, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-2, 30, log=True),
    }


FAMILIES: dict[str, Family] = {
    "logistic": Family(
        lambda parameters, seed: LogisticRegression(max_iter=2000, random_state=seed, **parameters),
        {"C": 1.0},
        _suggest_logistic,
    ),
    "forest": Family(
        lambda parameters, seed: RandomForestClassifier(n_estimators=100, random_state=seed, n_jobs=1, **parameters),
        {"max_depth": 8, "min_samples_leaf": 10, "max_features": 0.25},
        _suggest_forest,
    ),
    "boosting": Family(
        lambda parameters, seed: HistogramBoosting(early_stopping=False, random_state=seed, **parameters),
        {
            "max_iter": 80,
            "learning_rate": 0.08,
            "max_leaf_nodes": 4,
            "min_samples_leaf": 20,
            "max_features": 0.6,
            "l2_regularization": 1.0,
        },
        _suggest_boosting,
    ),
    "lightgbm": Family(
        lambda parameters, seed: LGBMClassifier(
            subsample_freq=1,
            n_jobs=1,
            verbose=-1,
            random_state=seed,
            deterministic=True,
            force_row_wise=True,
            **parameters,
        ),
        {
            "n_estimators": 80,
            "learning_rate": 0.08,
            "num_leaves": 4,
            "min_child_samples": 20,
            "subsample": 0.8,
            "colsample_bytree": 0.6,
            "reg_lambda": 1.0,
        },
        _suggest_lightgbm,
    ),
}
