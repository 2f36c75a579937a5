"""Rows of change capture become scores, or say why not."""

import json

import numpy as np
import pytest

from models.churn.customer_scores import outcomes
from models.churn.onnx_model import Reason, Scores
from schemas.churn_score import ChurnScore


class Model:
    """Scores tenure / 100; refuses what has none."""

    class contract:  # noqa: N801
        version = "v1"
        threshold = 0.5

    calls = 0

    def columns_of(self, rows):
        return {"tenure": [row.get("tenure") for row in rows]}

    def predict(self, columns, *, reasons):
        self.calls += 1
        tenures = columns["tenure"]
        refusals = {i: "tenure is missing" for i, each in enumerate(tenures) if each is None}
        risks = np.array([np.nan if each is None else each / 100 for each in tenures])
        why = [() if i in refusals else (Reason("tenure", "9", -3.0, "tenure is 9"),) for i in range(len(tenures))]
        return Scores(risks, risks > 0.5, refusals, {}, why)


@pytest.fixture
def model():
    return Model()


def row(**columns):
    return json.dumps({"customer_id": "a", "__source_ts_ms": 1795715863423, **columns}).encode()


def test_a_row_becomes_a_score_with_reasons_version_and_place(model):
    (outcome,) = outcomes(model, [("a", row(tenure=60), 3, 17)])
    score = ChurnScore.model_validate_json(outcome)
    assert (score.customer, score.risk, score.at_risk, score.changed_at) == ("a", 0.6, True, 1795715863423)
    assert [reason.words for reason in score.reasons] == ["tenure is 9"]
    assert (score.model_version, score.position.partition, score.position.offset) == ("v1", 3, 17)


@pytest.mark.parametrize("columns", [{"tenure": 60}, {"tenure": 0}, {"__deleted": "true"}])
def test_the_json_is_what_the_record_itself_would_write(model, columns):
    (outcome,) = outcomes(model, [('K"ö\n', row(**columns), 3, 17)])
    assert outcome == ChurnScore.model_validate_json(outcome).model_dump_json(exclude_none=True)


def test_a_deleted_customer_has_no_risk_and_its_tombstone_says_nothing(model):
    deleted, tombstone = outcomes(model, [("a", row(tenure=60, __deleted="true"), 0, 1), ("a", None, 0, 2)])
    score = ChurnScore.model_validate_json(deleted)
    assert (score.deleted, score.risk) == (True, None)
    assert tombstone is None
    assert model.calls == 0


def test_a_row_that_the_model_refuses_says_why_and_stops_no_other(model):
    refused, scored = outcomes(model, [("a", row(), 0, 1), ("b", row(tenure=10), 0, 2)])
    assert refused == "unscorable_customer: tenure is missing"
    assert ChurnScore.model_validate_json(scored).risk == 0.1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, row(tenure=1)),
        ("", row(tenure=1)),
        ("a", b"\xff"),
        ("a", b"{"),
        ("a", b"7"),
        ("a", b"{}"),
        ("a", b'{"__source_ts_ms": "noon"}'),
        ("a", b'{"__source_ts_ms": -1}'),
        ("a", b"[" * 100_000),
        ("a", b'{"__source_ts_ms": 1, "name": "\\ud800"}'),
        ("a", b'{"__source_ts_ms": 1, "tenure": NaN}'),
    ],
)
def test_what_is_no_row_of_change_capture_is_refused(model, key, value):
    bad, good = outcomes(model, [(key, value, 0, 1), ("b", row(tenure=10), 0, 2)])
    assert bad.startswith("not_a_customer: ")
    assert good.startswith("{")


def test_a_batch_is_one_call_of_the_model(model):
    outcomes(model, [(str(number), row(tenure=number), 0, number) for number in range(100)])
    assert model.calls == 1
