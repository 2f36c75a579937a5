"""Rows of change capture become scores, or say why not."""

import json

import numpy as np
import pytest

from models.churn.contract import Column
from models.churn.customer_scores import outcomes
from models.churn.onnx_model import Scores
from models.churn.reason_text import Reason
from schemas.churn_score import ChurnScore
from schemas.unavailable_values import PLACEHOLDER
from tests.unit.models.churn.customer_batches import Came, customer_batch

CHANGED_AT = 1795715863423


class Model:
    """Scores tenure / 100; refuses what has none. Reads usage where it is told to, and takes it off."""

    class contract:  # noqa: N801
        version = "v1"
        threshold = 0.5
        columns: tuple[Column, ...] = (Column(name="tenure", kind="number", nullable=False, reference=0.0),)

    calls = 0

    def columns_of(self, rows):
        return {column.name: [row.get(column.name) for row in rows] for column in self.contract.columns}

    def predict(self, columns, *, reasons):
        self.calls += 1
        tenures = columns["tenure"]
        usages = columns.get("usage_readings_7d", [0] * len(tenures))
        refusals = {i: "tenure is missing" for i, each in enumerate(tenures) if each is None}
        risks = np.array([np.nan if t is None else (t - u) / 100 for t, u in zip(tenures, usages, strict=True)])
        why = [() if i in refusals else (Reason("tenure", "9", -3.0, "tenure is 9"),) for i in range(len(tenures))]
        return Scores(risks, risks > 0.5, refusals, {}, why)


class ModelOfUsage(Model):
    class contract(Model.contract):  # noqa: N801
        columns: tuple[Column, ...] = (
            *Model.contract.columns,
            Column(name="usage_readings_7d", kind="number", nullable=False, reference=0.0),
        )


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def model_of_usage():
    return ModelOfUsage()


def row(**columns):
    return json.dumps({"customer_id": "a", "__source_ts_ms": CHANGED_AT, **columns}).encode()


def usage(as_of=CHANGED_AT - 1, **features):
    return json.dumps({"customer": "a", "as_of": as_of, "features": features}).encode()


def new_usage(customer_row, said):
    """What comes when a customer's usage does."""
    return Came("a", customer_row, 3, 17, said, is_row=False)


def scores(model, *records):
    return [ChurnScore.model_validate_json(record) for _, record in outcomes(model, customer_batch(*records)).scores]


def unscored(model, *records):
    """In words, by the record's place."""
    return {
        place: f"{why.reason}: {why.detail}"
        for place, why in outcomes(model, customer_batch(*records)).unscored.items()
    }


def test_a_row_becomes_a_score_with_reasons_version_and_place(model):
    (score,) = scores(model, Came("a", row(tenure=60), 3, 17))
    assert (score.customer, score.risk, score.at_risk, score.changed_at) == ("a", 0.6, True, CHANGED_AT)
    assert [reason.words for reason in score.reasons] == ["tenure is 9"]
    assert (score.model_version, score.position.partition, score.position.offset) == ("v1", 3, 17)


@pytest.mark.parametrize("columns", [{"tenure": 60}, {"tenure": 0}, {"__deleted": "true"}])
def test_the_json_is_what_the_record_itself_would_write_and_the_key_is_the_customer(model, columns):
    ((key, record),) = outcomes(model, customer_batch(Came('K"ö\n', row(**columns), 3, 17))).scores
    assert record == ChurnScore.model_validate_json(record).model_dump_json(exclude_none=True).encode()
    assert key == 'K"ö\n'.encode()


def test_a_deleted_customer_has_no_risk(model):
    (score,) = scores(model, Came("a", row(tenure=60, __deleted="true")))
    assert (score.deleted, score.risk) == (True, None)
    assert model.calls == 0


def test_scores_and_deletions_stand_in_the_order_in_which_the_records_came(model):
    came = [row(tenure=1), row(__deleted="true"), row(tenure=2), row(), row(__deleted="true"), row(tenure=3)]
    found = scores(model, *(Came("a", each, 0, offset) for offset, each in enumerate(came)))
    assert [(score.position.offset, score.risk) for score in found] == [
        (0, 0.01),
        (1, None),
        (2, 0.02),
        (4, None),
        (5, 0.03),
    ]


def test_a_row_that_the_model_refuses_says_why_and_stops_no_other(model):
    came = Came("a", row()), Came("b", row(tenure=10))
    assert unscored(model, *came) == {0: "unscorable_customer: tenure is missing"}
    assert [score.risk for score in scores(model, *came)] == [0.1]


def test_a_value_that_change_capture_could_not_read_is_missing_and_is_not_scored(model):
    unread = row(tenure=PLACEHOLDER, plan="basic")
    assert unscored(model, Came("a", unread), Came("b", row(tenure=10))) == {
        0: "unscorable_customer: tenure is missing"
    }
    assert [score.risk for score in scores(model, Came("a", unread), Came("b", row(tenure=10)))] == [0.1]
    (score,) = scores(model, Came("a", row(tenure=60, notes=[PLACEHOLDER])))
    assert score.risk == 0.6


def test_a_model_without_usage_scores_as_before_and_usage_alone_is_no_occasion(model):
    came = Came("a", row(tenure=60), 3, 17, usage(usage_readings_7d=20)), new_usage(row(tenure=60), usage())
    assert [score.risk for score in scores(model, *came)] == [0.6]
    assert unscored(model, *came) == {}


def test_new_usage_is_a_new_score_of_the_newest_row(model_of_usage):
    (score,) = scores(model_of_usage, new_usage(row(tenure=60), usage(usage_readings_7d=20)))
    assert (score.risk, score.position.partition, score.position.offset) == (0.4, 3, 17)


def test_without_usage_a_feature_is_zero(model_of_usage):
    never, without = scores(model_of_usage, Came("a", row(tenure=60)), Came("a", row(tenure=60), usage=usage()))
    assert (never.risk, without.risk) == (0.6, 0.6)


def test_a_column_of_the_table_goes_before_a_feature_of_its_name(model_of_usage):
    own = row(tenure=60, usage_readings_7d=10)
    (score,) = scores(model_of_usage, Came("a", own, usage=usage(usage_readings_7d=20)))
    assert score.risk == 0.5


@pytest.mark.parametrize("as_of", [CHANGED_AT - 1, CHANGED_AT, CHANGED_AT + 1])
def test_the_time_of_a_score_is_that_of_the_newer_half_and_a_deletion_is_never_older(model_of_usage, as_of):
    said = usage(as_of)
    came = [
        new_usage(row(tenure=1), said),
        Came("a", row(tenure=1), 3, 17, said),
        Came("a", row(__deleted="true"), 3, 18, said),
    ]
    assert [score.changed_at for score in scores(model_of_usage, *came)] == [max(as_of, CHANGED_AT)] * 3


@pytest.mark.parametrize(
    "customer_row", [None, row(tenure=1, __deleted="true"), row(), b"{"], ids=["none", "deleted", "refused", "no row"]
)
def test_usage_of_a_customer_who_cannot_be_scored_says_nothing(model_of_usage, customer_row):
    found = outcomes(model_of_usage, customer_batch(new_usage(customer_row, usage(usage_readings_7d=1))))
    assert (found.scores, found.unscored) == ([], {})


@pytest.mark.parametrize(
    "said",
    [b"", b"{", b"7", b"{}", b"\xff", usage(as_of=-1), usage(n="many"), usage(n=None), usage(n=1.5), b"[" * 100_000],
)
def test_what_is_no_usage_is_refused_once_and_rows_are_scored_without_it(model_of_usage, said):
    came = new_usage(row(tenure=60), said), Came("a", row(tenure=60), 3, 18, said)
    (why,) = unscored(model_of_usage, *came).values()
    assert why.startswith("not_usage: ")
    assert [score.risk for score in scores(model_of_usage, *came)] == [0.6]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, row(tenure=1)),
        ("", row(tenure=1)),
        ("a", b"\xff"),
        ("a", b"{"),
        ("a", b"7"),
        ("a", b"null"),
        ("a", b"{}"),
        ("a", b'{"__source_ts_ms": "noon"}'),
        ("a", b'{"__source_ts_ms": -1}'),
        ("a", b'{"__source_ts_ms": true}'),
        ("a", b"[" * 100_000),
        ("a", b'{"__source_ts_ms": 1, "name": "\\ud800"}'),
        ("a", b'{"__source_ts_ms": 1, "tenure": NaN}'),
    ],
)
def test_what_is_no_row_of_change_capture_is_refused(model, key, value):
    came = Came(key, value), Came("b", row(tenure=10))
    (why,) = unscored(model, *came).values()
    assert why.startswith("not_a_customer: ")
    assert [score.customer for score in scores(model, *came)] == ["b"]


def test_a_batch_is_one_call_of_the_model(model):
    outcomes(model, customer_batch(*(Came(str(number), row(tenure=number), 0, number) for number in range(100))))
    assert model.calls == 1
