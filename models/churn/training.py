"""One training: from a table of text to a fitted model and to what it is worth."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from joblib import Parallel, delayed

from models.churn.errors import UnusableSettings
from models.churn.frames import features
from models.churn.schema import Schema, infer
from models.churn.settings import TrainingSettings
from models.churn.target import Target, target_of
from models.churn.tuning import Fitted, Side, tune


@dataclass(frozen=True)
class Prepared:
    """A table that can be trained on. `frame`: the model's columns as it sees them."""

    table: pd.DataFrame
    target: Target
    schema: Schema
    frame: pd.DataFrame


def prepare(table: pd.DataFrame, settings: TrainingSettings) -> Prepared:
    """The table's target, schema and features.

    Raises
    ------
    UnusableTable
        See `target_of` and `infer`.
    UnusableSettings
        A group to compare is no column, or there are more folds than rows of a class.
    """
    target = target_of(table, settings.target, settings.positive)
    unknown = [name for name in settings.groups if name not in table]
    if unknown:
        raise UnusableSettings(f"No column {unknown[0]!r} to group by. There are: {', '.join(table.columns)}")
    _require_enough_for_folds(target, settings)
    schema = infer(
        table,
        target,
        keep=settings.keep,
        drop=settings.drop,
        identifier=settings.id,
        leak_auc=settings.leak_auc,
        seed=settings.seed,
    )
    return Prepared(table, target, schema, features(table, schema.columns))


def _require_enough_for_folds(target: Target, settings: TrainingSettings) -> None:
    fewest = int(min(target.labels.sum(), (1 - target.labels).sum()))
    if fewest < settings.folds * settings.inner_folds:
        raise UnusableSettings(
            f"{settings.folds} folds of {settings.inner_folds} inner folds need "
            f"{settings.folds * settings.inner_folds} rows of each class, and there are {fewest}. Choose fewer folds."
        )


def train(prepared: Prepared, settings: TrainingSettings, progress: Callable[[], None] = lambda: None) -> Fitted:
    """The family of least inner loss on all rows; `progress` is called after each family."""
    side = Side.of(prepared.frame, prepared.target.labels, prepared.schema.columns, settings)
    tasks = (delayed(tune)(family, side) for family in settings.models)
    fitted: list[Fitted] = []
    for each in Parallel(n_jobs=settings.jobs_for(len(settings.models)), return_as="generator")(tasks):
        fitted.append(each)
        progress()
    return min(fitted, key=lambda each: each.loss)
