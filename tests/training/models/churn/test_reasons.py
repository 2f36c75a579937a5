"""Contributions of columns: Shapley values, and the tables made of them."""

import numpy as np
import pandas as pd
import pytest

from models.churn.artifact import log_odds_of
from models.churn.reason_tables import NumberTable, reason_tables
from models.churn.shapley import shapley_values
from tests.training.models.churn.exported import fitted_and_prepared, session_of


def rows(n=300):
    return pd.DataFrame(np.random.default_rng(2).normal(size=(n, 3)), columns=list("abc"))


def test_the_values_of_a_sum_are_its_terms_less_their_means():
    frame = rows()
    values = shapley_values(lambda x: 2 * x["a"].to_numpy() - x["b"].to_numpy(), frame, frame, rounds=200, seed=1)
    expected = np.column_stack([2 * (frame["a"] - frame["a"].mean()), frame["b"].mean() - frame["b"], 0 * frame["c"]])
    np.testing.assert_allclose(values, expected, atol=0.5)
    assert (values[:, 2] == 0).all()


def test_what_two_columns_do_together_is_shared():
    one, zero = pd.DataFrame({"a": [1.0], "b": [1.0]}), pd.DataFrame({"a": [0.0], "b": [0.0]})
    values = shapley_values(lambda x: (x["a"] * x["b"]).to_numpy(), one, zero, rounds=5, seed=1)
    assert values.tolist() == [[0.5, 0.5]]


def test_the_values_of_a_row_add_up_to_its_score_less_the_background():
    frame, zero = rows(50), pd.DataFrame({name: [0.0] for name in "abc"})
    values = shapley_values(lambda x: (x["a"] * x["b"] + x["c"]).to_numpy(), frame, zero, rounds=2, seed=1)
    np.testing.assert_allclose(values.sum(axis=1), frame["a"] * frame["b"] + frame["c"])


def test_a_range_holds_from_its_edge_on():
    table = NumberTable(np.array([1.0, 2.0]), np.array([10.0, 20.0, 30.0]), 99.0)
    assert table.of(np.array([0.5, 1.0, 1.9, 2.0, np.nan])).tolist() == [10, 20, 20, 30, 99]


def test_the_tables_follow_the_model_and_the_graph_follows_the_tables():
    fitted, prepared, settings = fitted_and_prepared()
    score = log_odds_of(session_of(fitted, prepared))
    tables = reason_tables(score, prepared.frame, prepared.schema.columns, settings.seed)
    assert tables.fidelity > 0.8
    columns, added = _run(session_of(fitted, prepared, tables), prepared.frame)
    exact = tables.contributions(prepared.frame)
    np.testing.assert_allclose(added, np.take_along_axis(exact, columns, axis=1), atol=1e-5)
    np.testing.assert_allclose(np.abs(added), -np.sort(-np.abs(exact), axis=1)[:, :3], atol=1e-5)


def _run(session, frame):
    inputs = {name: frame[name].to_numpy().reshape(-1, 1) for name in frame}
    return session.run(["reason_columns", "reason_log_odds"], inputs)


@pytest.mark.parametrize("family", ["logistic", "forest"])
def test_the_tables_follow_other_models_too(family):
    fitted, prepared, settings = fitted_and_prepared(family)
    score = log_odds_of(session_of(fitted, prepared))
    assert reason_tables(score, prepared.frame, prepared.schema.columns, settings.seed).fidelity > 0.85
