"""Nested cross-validation: what the whole procedure, tuning and choice included, is worth on rows it never saw."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.model_selection import RepeatedStratifiedKFold

from models.churn.calibration import Floats, Labels
from models.churn.contract import Column
from models.churn.metrics import calibration_error, figures
from models.churn.pipeline import Steps
from models.churn.settings import TrainingSettings
from models.churn.tuning import Fitted, Side, fit, tune

CHOSEN = "chosen"
"""The family of least inner loss in each fold: the procedure that `train` follows."""


@dataclass(frozen=True)
class FoldOutcome:
    """One outer fold: the rows left out, each model's probabilities for them, the chosen one's threshold."""

    number: int
    rows: Labels
    probabilities: dict[str, Floats]
    chosen: str
    threshold: float


@dataclass
class Validation:
    """All outer folds, in order of their number; `n_folds` of them are one repeat."""

    labels: Labels
    n_folds: int
    folds: list[FoldOutcome] = field(default_factory=list)

    def names(self) -> list[str]:
        return list(self.folds[0].probabilities)

    def figures(self, name: str) -> list[dict[str, float]]:
        """Of one model, fold by fold."""
        return [figures(self.labels[fold.rows], fold.probabilities[name]) for fold in self.folds]

    def mean(self, name: str) -> dict[str, float]:
        """Over folds; the calibration error over repeats, each with all rows together.

        Bins of a single fold have so few rows that chance alone would be most of it.
        """
        means = {key: float(value) for key, value in pd.DataFrame(self.figures(name)).mean().items()}
        repeats = range(len(self.folds) // self.n_folds)
        errors = [calibration_error(self.labels, self.out_of_fold(name, repeat)[0]) for repeat in repeats]
        return means | {"calibration_error": float(np.mean(errors))}

    def deviation(self, name: str) -> dict[str, float]:
        """Over folds."""
        return {key: float(value) for key, value in pd.DataFrame(self.figures(name)).std().items()}

    def out_of_fold(self, name: str, repeat: int = 0) -> tuple[Floats, Labels]:
        """Probabilities and labels of one repeat: each row once, by a model that did not learn it."""
        probabilities, flagged = np.empty(len(self.labels)), np.empty(len(self.labels), np.int64)
        for fold in self.folds[repeat * self.n_folds : (repeat + 1) * self.n_folds]:
            probabilities[fold.rows] = fold.probabilities[name]
            flagged[fold.rows] = fold.probabilities[name] >= fold.threshold
        return probabilities, flagged


def validate(
    frame: pd.DataFrame,
    labels: Labels,
    columns: tuple[Column, ...],
    settings: TrainingSettings,
    progress: Callable[[], None] = lambda: None,
    compare_steps: bool = True,
) -> Validation:
    """Every outer fold; `progress` is called after each."""
    outer = RepeatedStratifiedKFold(n_splits=settings.folds, n_repeats=settings.repeats, random_state=settings.seed)
    tasks = (
        delayed(_fold)(number, learned, left_out, frame, labels, columns, settings, compare_steps)
        for number, (learned, left_out) in enumerate(outer.split(labels, labels))
    )
    validation = Validation(labels, settings.folds)
    jobs = settings.jobs_for(settings.folds * settings.repeats)
    for outcome in Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks):
        validation.folds.append(outcome)
        progress()
    validation.folds.sort(key=lambda fold: fold.number)
    return validation


def _fold(
    number: int,
    learned: Labels,
    left_out: Labels,
    frame: pd.DataFrame,
    labels: Labels,
    columns: tuple[Column, ...],
    settings: TrainingSettings,
    compare_steps: bool,
) -> FoldOutcome:
    train, truth, unseen = frame.iloc[learned], labels[learned], frame.iloc[left_out]
    side = Side.of(train, truth, columns, settings)
    fitted: dict[str, Fitted] = {family: tune(family, side) for family in settings.models}
    chosen = min(fitted.values(), key=lambda each: each.loss)
    probabilities = {family: each.probabilities(unseen) for family, each in fitted.items()}
    probabilities[CHOSEN] = probabilities[chosen.family]
    for words, steps in _other_steps(chosen, len(columns)).items() if compare_steps else ():
        other = Side.of(train, truth, columns, settings.model_copy(update={"steps": steps}))
        probabilities[words] = fit(chosen.family, chosen.parameters, other).probabilities(unseen)
    return FoldOutcome(number, left_out, probabilities, chosen.family, chosen.threshold)


def _other_steps(chosen: Fitted, n_columns: int) -> dict[str, Steps]:
    """The chosen model with one step the other way: what that step is worth."""
    steps = chosen.steps
    others: dict[str, dict[str, object]] = {
        f"chosen, {'without' if steps.scale else 'with'} scaling": {"scale": not steps.scale},
        f"chosen, {'without' if steps.mark_missing else 'with'} marks of blanks": {
            "mark_missing": not steps.mark_missing
        },
        f"chosen, {'without' if steps.reduce_to else 'with'} PCA": {
            "reduce_to": None if steps.reduce_to else min(20, n_columns)
        },
    }
    return {words: steps.model_copy(update=update) for words, update in others.items()}
