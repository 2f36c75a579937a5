"""A family fitted to one training side: tuned, calibrated and given a threshold without a look at other rows."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from models.churn.calibration import Calibration, Floats, Labels, margins
from models.churn.contract import Column
from models.churn.costs import cheapest_threshold
from models.churn.families import FAMILIES, Parameters
from models.churn.pipeline import Steps, make_pipeline
from models.churn.settings import TrainingSettings

Fold = tuple[Any, Any]


@dataclass(frozen=True)
class Fitted:
    """A model that can score.

    `loss`: log loss of the calibrated margins out of the inner folds, by which families are compared.
    """

    family: str
    parameters: Parameters
    steps: Steps
    pipeline: Pipeline
    calibration: Calibration
    threshold: float
    loss: float

    def probabilities(self, frame: pd.DataFrame) -> Floats:
        """Shape `(n,)`."""
        return self.calibration.probabilities(margins(self.pipeline, frame))


def tune(
    family: str, frame: pd.DataFrame, labels: Labels, columns: tuple[Column, ...], settings: TrainingSettings
) -> Fitted:
    """The family's best parameters by the loss of the inner folds, fitted to all rows of this side."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=5))
    study.enqueue_trial(FAMILIES[family].start)

    def loss_of(trial: Any) -> float:
        parameters = FAMILIES[family].suggest(trial)
        raw = out_of_fold(family, parameters, settings.steps, frame, labels, columns, settings)
        return _loss(raw, labels)

    # Matrices this small lose more by waiting for each other's threads than they gain.
    with threadpool_limits(1):
        study.optimize(loss_of, n_trials=settings.trials)
    return fit(family, study.best_params, settings.steps, frame, labels, columns, settings)


def fit(
    family: str,
    parameters: Parameters,
    steps: Steps,
    frame: pd.DataFrame,
    labels: Labels,
    columns: tuple[Column, ...],
    settings: TrainingSettings,
) -> Fitted:
    """Fitted with these parameters; calibration and threshold from the inner folds."""
    raw = out_of_fold(family, parameters, steps, frame, labels, columns, settings)
    calibration = Calibration.fit(raw, labels)
    threshold = cheapest_threshold(calibration.probabilities(raw), labels, settings.costs)
    pipeline = make_pipeline(columns, steps, FAMILIES[family].make(parameters, settings.seed), settings.seed)
    _fit(pipeline, frame, labels)
    return Fitted(family, parameters, steps, pipeline, calibration, threshold, _loss(raw, labels))


def out_of_fold(
    family: str,
    parameters: Parameters,
    steps: Steps,
    frame: pd.DataFrame,
    labels: Labels,
    columns: tuple[Column, ...],
    settings: TrainingSettings,
) -> Floats:
    """Margins of each row by a model that did not learn it. Shape `(n,)`."""
    raw = np.empty(len(labels))
    for learned, left_out in _inner(labels, settings):
        pipeline = make_pipeline(columns, steps, FAMILIES[family].make(parameters, settings.seed), settings.seed)
        _fit(pipeline, frame.iloc[learned], labels[learned])
        raw[left_out] = margins(pipeline, frame.iloc[left_out])
    return raw


def _inner(labels: Labels, settings: TrainingSettings) -> Iterator[Fold]:
    folds = StratifiedKFold(settings.inner_folds, shuffle=True, random_state=settings.seed)
    return iter(folds.split(labels, labels))


def _fit(pipeline: Pipeline, frame: pd.DataFrame, labels: Labels) -> None:
    with warnings.catch_warnings():
        # LightGBM is fitted to an array; its wrapper then warns of names that it made up itself.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        pipeline.fit(frame, labels)


def _loss(raw: Floats, labels: Labels) -> float:
    return float(log_loss(labels, Calibration.fit(raw, labels).probabilities(raw)))
