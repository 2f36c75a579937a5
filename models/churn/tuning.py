"""A family fitted to one training side: tuned, calibrated and given a threshold without a look at other rows."""

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
        return self.calibration.probabilities(margins(self.pipeline[-1], self.pipeline[:-1].transform(frame)))


@dataclass(frozen=True)
class InnerFold:
    """Features as a classifier reads them, made by steps that were fitted to the learned rows only."""

    learned: Any
    labels: Labels
    rows: Labels
    left_out: Any


def tune(
    family: str, frame: pd.DataFrame, labels: Labels, columns: tuple[Column, ...], settings: TrainingSettings
) -> Fitted:
    """The family's best parameters by the loss of the inner folds, fitted to all rows of this side."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=5))
    study.enqueue_trial(FAMILIES[family].start)
    folds = inner_folds(settings.steps, frame, labels, columns, settings)

    def loss_of(trial: Any) -> float:
        return _loss(out_of_fold(family, FAMILIES[family].suggest(trial), folds, settings.seed), labels)

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
    raw = out_of_fold(family, parameters, inner_folds(steps, frame, labels, columns, settings), settings.seed)
    calibration = Calibration.fit(raw, labels)
    threshold = cheapest_threshold(calibration.probabilities(raw), labels, settings.costs)
    pipeline = make_pipeline(columns, steps, FAMILIES[family].make(parameters, settings.seed), settings.seed)
    pipeline.fit(frame, labels)
    return Fitted(family, parameters, steps, pipeline, calibration, threshold, _loss(raw, labels))


def inner_folds(
    steps: Steps, frame: pd.DataFrame, labels: Labels, columns: tuple[Column, ...], settings: TrainingSettings
) -> list[InnerFold]:
    """Made once: the steps before the classifier do not depend on its parameters."""
    splits = StratifiedKFold(settings.inner_folds, shuffle=True, random_state=settings.seed)
    made = []
    for learned, rows in splits.split(labels, labels):
        before = make_pipeline(columns, steps, "passthrough", settings.seed)[:-1]
        ready = before.fit_transform(frame.iloc[learned], labels[learned])
        made.append(InnerFold(ready, labels[learned], rows, before.transform(frame.iloc[rows])))
    return made


def out_of_fold(family: str, parameters: Parameters, folds: list[InnerFold], seed: int) -> Floats:
    """Margins of each row by a model that did not learn it. Shape `(n,)`."""
    raw = np.empty(sum(len(fold.rows) for fold in folds))
    for fold in folds:
        model = FAMILIES[family].make(parameters, seed).fit(fold.learned, fold.labels)
        raw[fold.rows] = margins(model, fold.left_out)
    return raw


def _loss(raw: Floats, labels: Labels) -> float:
    return float(log_loss(labels, Calibration.fit(raw, labels).probabilities(raw)))
