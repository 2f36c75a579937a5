"""The exported graph scores as scikit-learn does, or there is none."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from models.churn.artifact import export
from models.churn.calibration import Calibration
from models.churn.errors import ExportRefused
from models.churn.families import FAMILIES
from models.churn.gate import MIN_ROWS, UNKNOWN, gate_rows, pass_gate, split_values
from models.churn.pipeline import Steps
from models.churn.tree_nodes import rounded_down
from tests.training.models.churn.exported import exported, fitted_and_prepared, session_of
from tests.unit.models.churn.customers import customers

STEPS = [Steps(), Steps(scale=False), Steps(mark_missing=True), Steps(reduce_to=3)]


@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_model_with_every_option_passes_the_gate(tmp_path, family, steps):
    gate = exported(tmp_path, family, steps=steps).gate
    assert gate.rows >= MIN_ROWS
    assert gate.largest_difference <= 1e-5
    assert gate.flipped_labels == 0


@pytest.mark.parametrize("kept", [["months", "bill"], ["contract", "payment"]])
def test_a_table_of_one_kind_of_column_is_exported(tmp_path, kept):
    assert exported(tmp_path, table=customers()[[*kept, "churn"]]).gate.flipped_labels == 0


def test_the_gate_looks_at_splits_blanks_strangers_and_extremes():
    fitted, prepared, _ = fitted_and_prepared()
    rows, at_splits = gate_rows(fitted, prepared.frame, prepared.schema.columns, 1)
    assert at_splits > 100
    assert rows["total"].isna().any()
    assert (rows["contract"] == UNKNOWN).any()
    assert rows["bill"].max() == np.float32(1e30)


def test_values_at_splits_are_where_the_model_changes_its_mind():
    fitted, prepared, _ = fitted_and_prepared(steps=Steps(scale=False))
    values = split_values(fitted, ["months", "bill", "total"])["bill"]
    row = prepared.frame.head(1)
    scores = [fitted.probabilities(row.assign(bill=value))[0] for value in np.sort(values)]
    assert np.count_nonzero(np.diff(scores)) > 5


def test_a_graph_with_another_calibration_is_refused_with_the_rows():
    fitted, prepared, _ = fitted_and_prepared()
    other = dataclasses.replace(fitted, calibration=Calibration(fitted.calibration.slope, 0.001))
    with pytest.raises(ExportRefused, match=r"(?s)differs in .* rows.*scikit-learn 0\.\d+, graph 0\.\d+: {'contract'"):
        pass_gate(other, session_of(fitted, prepared), prepared.frame, prepared.schema.columns, 1)


def test_a_graph_with_another_threshold_is_refused_for_its_labels():
    fitted, prepared, _ = fitted_and_prepared()
    other = dataclasses.replace(fitted, threshold=fitted.threshold + 0.05)
    with pytest.raises(ExportRefused):
        pass_gate(other, session_of(fitted, prepared), prepared.frame, prepared.schema.columns, 1)


def test_categories_score_alike_as_text_and_as_codes():
    fitted, prepared, _ = fitted_and_prepared()
    session, columns = session_of(fitted, prepared), prepared.schema.columns
    rows, _ = gate_rows(fitted, prepared.frame, columns, 1)
    text = {column.name: rows[column.name].to_numpy().reshape(-1, 1) for column in columns}
    codes = [
        [[column.categories.index(value) if value in column.categories else -1 for value in rows[column.name]]]
        for column in columns
        if column.kind == "category"
    ]
    numbers = {name: values for name, values in text.items() if values.dtype == np.float32}
    nothing = {name: np.array([["not read"]], object) for name in text.keys() - numbers.keys()}
    coded = numbers | nothing | {"category_codes": np.concatenate(codes).astype(np.int32)}
    np.testing.assert_array_equal(session.run(["log_odds"], text)[0], session.run(["log_odds"], coded)[0])


def test_a_graph_that_reads_codes_in_another_order_is_refused():
    fitted, prepared, _ = fitted_and_prepared()
    columns = prepared.schema.columns
    turned = tuple(each.model_copy(update={"categories": each.categories[::-1]}) for each in columns)
    with pytest.raises(ExportRefused):
        pass_gate(fitted, session_of(fitted, prepared), prepared.frame, turned, 1)


def test_a_scaler_in_float64_is_caught_at_the_splits():
    """The trap: the graph scales in float32, and a value at a split falls on the other side."""
    trapped, prepared, _ = trapped_and_prepared()
    with pytest.raises(ExportRefused):
        pass_gate(trapped, session_of(trapped, prepared), prepared.frame, prepared.schema.columns, 1)


def trapped_and_prepared():
    fitted, prepared, settings = fitted_and_prepared("forest")
    wide = clone(fitted.pipeline)
    wide["columns"].transformers[0][1].set_params(scale=_Float64Scaler())
    wide.fit(prepared.frame, prepared.target.labels)
    return dataclasses.replace(fitted, pipeline=wide), prepared, settings


class _Float64Scaler(StandardScaler):
    """Computes in float64; the graph then takes its figures as if they were float32."""

    def fit(self, values, labels=None):
        super().fit(np.asarray(values, np.float64))
        self.deviation: np.ndarray = self.scale_  # what sklearn calls the standard deviation
        self.scale_: np.ndarray = 1 / self.deviation
        return self

    def transform(self, values):
        return (np.asarray(values, np.float64) - self.mean_) / self.deviation


def test_a_refused_export_writes_nothing(tmp_path):
    trapped, prepared, settings = trapped_and_prepared()
    with pytest.raises(ExportRefused):
        export(trapped, prepared, settings, tmp_path / "model", "1")
    assert not (tmp_path / "model").exists()


@given(st.floats(-1e30, 1e30), st.floats(-(2.0**90), 2.0**90, width=32))
def test_a_threshold_rounded_down_keeps_every_answer(threshold, value):
    narrow = rounded_down(np.array([threshold]))[0]
    assert narrow.dtype == np.float32
    for x in (np.float32(value), narrow, np.nextafter(narrow, np.float32(np.inf))):
        assert (float(x) <= threshold) == (x <= narrow)
