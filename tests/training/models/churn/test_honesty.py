"""The cross-validation does not flatter."""

import numpy as np
import pytest

from models.churn.metrics import calibration_error
from models.churn.training import prepare
from models.churn.tuning import Side, fit, tune
from models.churn.validation import CHOSEN, validate
from tests.unit.models.churn.customers import customers, noise, quick


def validated(table, **options):
    settings = quick(**options)
    prepared = prepare(table, settings)
    return validate(prepared.frame, prepared.target.labels, prepared.schema.columns, settings, compare_steps=False)


def test_pure_noise_scores_as_chance():
    validation = validated(noise(1500, 11), folds=3)
    assert validation.mean(CHOSEN)["roc_auc"] == pytest.approx(0.5, abs=0.05)


def test_rows_that_are_there_twice_would_show():
    """The test above can fail: with copies on both sides of a split, noise is learned by heart."""
    table = noise(150, 11)
    copies = table.loc[np.repeat(table.index, 10)].reset_index(drop=True)
    assert validated(copies, folds=3).mean(CHOSEN)["roc_auc"] > 0.6


def test_what_is_known_of_the_answer_is_found():
    assert validated(customers(800)).mean(CHOSEN)["roc_auc"] > 0.7


def test_each_row_is_left_out_once_a_repeat():
    validation = validated(customers(), folds=4, repeats=2, models=("logistic",), trials=1)
    rows = np.concatenate([fold.rows for fold in validation.folds])
    assert np.bincount(rows).tolist() == [2] * 400


def test_two_processes_find_what_one_finds():
    one, two = (validated(customers(), folds=2, trials=1, jobs=jobs) for jobs in (1, 2))
    assert one.figures(CHOSEN) == two.figures(CHOSEN)
    assert [fold.threshold for fold in one.folds] == [fold.threshold for fold in two.folds]


def test_a_tuned_model_is_the_one_that_its_parameters_give():
    settings = quick(trials=3)
    prepared = prepare(customers(), settings)
    side = Side.of(prepared.frame, prepared.target.labels, prepared.schema.columns, settings)
    tuned = tune("lightgbm", side)
    fitted = fit("lightgbm", tuned.parameters, side)
    assert (tuned.loss, tuned.threshold, tuned.calibration) == (fitted.loss, fitted.threshold, fitted.calibration)
    np.testing.assert_array_equal(tuned.probabilities(prepared.frame), fitted.probabilities(prepared.frame))


def test_calibration_error_is_the_distance_of_said_and_seen():
    labels = np.array([0, 1] * 50)
    assert calibration_error(labels, np.full(100, 0.7), bins=1) == pytest.approx(0.2)
