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


@dataclass(frozen=True)
class Side:
    """Rows that may be learned from, made ready once for every family and every trial.

    Parameters
    ----------
    before
        The steps before the classifier, fitted to all rows of this side.
    ready
        These rows after them.
    folds
        The inner folds of the same rows.
    """

    labels: Labels
    settings: TrainingSettings
    before: Pipeline
    ready: Any
    folds: list[InnerFold]

    @classmethod
    def of(cls, frame: pd.DataFrame, labels: Labels, columns: tuple[Column, ...], settings: TrainingSettings) -> "Side":
        """The steps do not depend on the classifier's parameters, so they are fitted here and not in a trial."""
        with one_thread():
            before = make_pipeline(columns, settings.steps, "passthrough", settings.seed)[:-1]
            ready = before.fit_transform(frame, labels)
            return cls(labels, settings, before, ready, _inner_folds(frame, labels, columns, settings))


def one_thread() -> Any:
    """A context: matrices this small lose more by waiting for each other's threads than they gain."""
    return threadpool_limits(1)


def tune(family: str, side: Side) -> Fitted:
    """The family's best parameters by the loss of the inner folds, fitted to all rows of this side."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=side.settings.seed, n_startup_trials=5)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(FAMILIES[family].start)
    tried: list[Floats] = []

    def loss_of(trial: Any) -> float:
        tried.append(out_of_fold(family, FAMILIES[family].suggest(trial), side))
        return _loss(tried[-1], side.labels)

    with one_thread():
        study.optimize(loss_of, n_trials=side.settings.trials)
        return _fitted(family, study.best_params, side, tried[study.best_trial.number])


def fit(family: str, parameters: Parameters, side: Side) -> Fitted:
    """Fitted with these parameters; calibration and threshold from the inner folds."""
    with one_thread():
        return _fitted(family, parameters, side, out_of_fold(family, parameters, side))


def out_of_fold(family: str, parameters: Parameters, side: Side) -> Floats:
    """Margins of each row by a model that did not learn it. Shape `(n,)`."""
    raw = np.empty(len(side.labels))
    for fold in side.folds:
        model = FAMILIES[family].make(parameters, side.settings.seed).fit(fold.learned, fold.labels)
        raw[fold.rows] = margins(model, fold.left_out)
    return raw


def _fitted(family: str, parameters: Parameters, side: Side, raw: Floats) -> Fitted:
    """`raw`: margins out of the inner folds."""
    calibration = Calibration.fit(raw, side.labels)
    threshold = cheapest_threshold(calibration.probabilities(raw), side.labels, side.settings.costs)
    model = FAMILIES[family].make(parameters, side.settings.seed).fit(side.ready, side.labels)
    pipeline = Pipeline([*side.before.steps, ("model", model)])
    loss = _loss(raw, side.labels)
    return Fitted(family, parameters, side.settings.steps, pipeline, calibration, threshold, loss)


def _inner_folds(
    frame: pd.DataFrame, labels: Labels, columns: tuple[Column, ...], settings: TrainingSettings
) -> list[InnerFold]:
    splits = StratifiedKFold(settings.inner_folds, shuffle=True, random_state=settings.seed)
    made = []
    for learned, rows in splits.split(labels, labels):
        before = make_pipeline(columns, settings.steps, "passthrough", settings.seed)[:-1]
        ready = before.fit_transform(frame.iloc[learned], labels[learned])
        made.append(InnerFold(ready, labels[learned], rows, before.transform(frame.iloc[rows])))
    return made


def _loss(raw: Floats, labels: Labels) -> float:
    return float(log_loss(labels, Calibration.fit(raw, labels).probabilities(raw)))
