"""The model as the stream holds it: raw values in, probabilities, refusals and reasons out."""

import json
from decimal import Decimal
from itertools import pairwise

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn import ABSENT, ChurnModel, RefusedModel
from models.churn.onnx_model import CONTRACT_FILE, MODEL_FILE
from models.churn.reason_text import ReasonTexts
from tests.training.models.churn.exported import exported
from tests.unit.models.churn.customers import customers

ROW = {"contract": "month", "payment": "card", "months": 3, "bill": 80.5, "total": 241.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("model")).folder


@pytest.fixture(scope="module")
def model(folder):
    return ChurnModel.load(folder)


def scored(model, *rows, reasons=False):
    return model.predict(model.columns_of(rows), reasons=reasons)


def test_rows_are_scored_by_their_risk(model):
    loyal = {**ROW, "contract": "two years", "months": 70, "total": 5600.0}
    risky, safe = scored(model, ROW, loyal).probabilities
    assert 0 <= safe < risky <= 1


def test_a_label_is_a_probability_from_the_threshold_on(model):
    rows = customers()[list(ROW)].assign(total=lambda table: table["total"].replace("", None)).to_dict("records")
    scores = scored(model, *rows)
    assert not scores.refusals
    assert (scores.labels == (scores.probabilities >= model.contract.threshold)).all()
    assert 0 < scores.labels.sum() < len(rows)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("bill", "much", "bill is a number and not 'much'"),
        ("bill", [80], "bill is a number and not list"),
        ("bill", None, "bill is missing, and never was in training"),
        ("bill", float("nan"), "bill is missing, and never was in training"),
        ("bill", float("inf"), "bill is beyond 1e+30"),
        ("bill", 10**400, "bill is a number and not 1000"),
        ("bill", ABSENT, "column bill is missing"),
        ("contract", None, "contract is missing, and never was in training"),
        ("contract", 1.5, "contract is text and not float"),
        ("contract", {"a": 1}, "contract is text and not dict"),
        ("contract", ABSENT, "column contract is missing"),
    ],
)
def test_a_value_that_cannot_be_used_refuses_its_row_only(model, name, value, reason):
    scores = scored(model, ROW, {**ROW, name: value}, ROW, reasons=True)
    assert list(scores.refusals) == [1]
    assert scores.refusals[1].startswith(reason)
    assert np.isnan(scores.probabilities[1])
    assert not scores.labels[1]
    assert scores.reasons[1] == ()
    assert scores.probabilities[0] == scores.probabilities[2] == scored(model, ROW).probabilities[0]


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("bill", "80.5", 80.5),
        ("bill", " 80.5 ", 80.5),
        ("bill", True, 1),
        ("bill", Decimal("80.5"), 80.5),
        ("total", "", None),
        ("total", " ", None),
        ("total", float("nan"), None),
        ("payment", None, ""),
        ("payment", " ", ""),
        ("total", "NA", None),
        ("total", "-", None),
        ("contract", " month ", "month"),
        ("contract", 12, "12"),
    ],
)
def test_other_ways_to_write_a_value_score_alike(model, name, value, same):
    scores = scored(model, {**ROW, name: value}, {**ROW, name: same})
    assert not scores.refusals
    assert scores.probabilities[0] == scores.probabilities[1]


def test_true_is_the_category_that_the_table_wrote_in_its_own_way(tmp_path):
    table = customers()
    table["contract"] = np.where(table["contract"] == "month", "TRUE", "FALSE")
    model = ChurnModel.load(exported(tmp_path, table=table).folder)
    scores = scored(model, {**ROW, "contract": True}, {**ROW, "contract": "TRUE"}, {**ROW, "contract": "FALSE"})
    assert scores.probabilities[0] == scores.probabilities[1] != scores.probabilities[2]
    assert not scores.unknown_categories


def test_an_unknown_category_is_scored_and_counted(model):
    scores = scored(model, ROW, {**ROW, "contract": "weekly"}, {**ROW, "contract": "daily"})
    assert scores.unknown_categories == {"contract": 2}
    assert not scores.refusals
    assert scores.probabilities[1] == scores.probabilities[2]


def test_without_a_column_every_row_is_refused(model):
    columns = model.columns_of([ROW, ROW])
    del columns["months"]
    assert model.predict(columns).refusals == dict.fromkeys((0, 1), "column months is missing")


def test_a_model_of_one_column_scores_rows_as_others_do(tmp_path):
    model = ChurnModel.load(exported(tmp_path, table=customers()[["contract", "churn"]]).folder)
    scores = scored(model, {"contract": "month"}, {**ROW, "contract": "two years"}, {"months": 3})
    assert scores.probabilities[0] > scores.probabilities[1]
    assert scores.refusals == {2: "column contract is missing"}


def test_columns_of_different_lengths_are_an_error(model):
    with pytest.raises(ValueError, match="one length"):
        model.predict({**model.columns_of([ROW, ROW]), "bill": [1.0]})


def test_arrays_score_as_lists_do(model):
    rows = customers(50)[list(ROW)].assign(months=lambda table: table["months"].astype(int))
    arrays = {name: rows[name].to_numpy() for name in rows}
    np.testing.assert_array_equal(
        model.predict(arrays).probabilities, model.predict({name: rows[name].tolist() for name in rows}).probabilities
    )
    assert not model.predict(arrays).refusals


def test_an_empty_batch_has_no_scores(model):
    assert len(model.predict(model.columns_of([]), reasons=True).probabilities) == 0


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), lambda each: st.lists(each, max_size=2)
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(ROW, anything)), min_size=1, max_size=5))
def test_any_json_is_scored_or_refused_and_never_breaks_the_batch(model, rows):
    scores = scored(model, ROW, *rows, reasons=True)
    assert scores.probabilities[0] == scored(model, ROW).probabilities[0]
    for row in range(len(rows) + 1):
        assert (row in scores.refusals) == bool(np.isnan(scores.probabilities[row]))


@given(st.lists(st.integers(0, 20), max_size=4))
def test_cuts_of_the_batch_change_no_score(model, cuts):
    rows = customers(20)[list(ROW)].to_dict("records")
    ends = [0, *sorted(cuts), 20]
    parts = [scored(model, *rows[a:b]).probabilities for a, b in pairwise(ends) if b > a]
    np.testing.assert_array_equal(np.concatenate(parts), scored(model, *rows).probabilities)


def test_reasons_name_the_value_and_its_direction(model):
    (reasons,) = scored(model, {**ROW, "months": 0, "total": None}, reasons=True).reasons
    assert len(reasons) == 3
    (month,) = [reason for reason in reasons if reason.column == "contract"]
    assert month.words == f"contract is month: raises the risk by {month.points:.0f} points"
    assert month.points > 2


def test_reasons_of_a_safe_customer_lower_the_risk(model):
    (reasons,) = scored(model, {**ROW, "contract": "two years", "months": 70, "total": 5600}, reasons=True).reasons
    assert {reason.column: reason.points < 0 for reason in reasons}["months"]


def test_asking_for_reasons_changes_no_score(model):
    assert scored(model, ROW, reasons=True).probabilities == scored(model, ROW).probabilities


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(RefusedModel, match="cannot be read"):
        ChurnModel.load(tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda contract: contract["columns"].pop(), "inputs are not those of its contract"),
        (lambda contract: contract["columns"][0].update(kind="number", reference=1.0), "inputs are not those"),
        (lambda contract: contract.pop("threshold"), "is not a contract"),
    ],
)
def test_a_contract_that_does_not_match_its_graph_is_refused(tmp_path, folder, damage, words):
    contract = json.loads((folder / CONTRACT_FILE).read_text())
    damage(contract)
    (tmp_path / CONTRACT_FILE).write_text(json.dumps(contract))
    (tmp_path / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes())
    with pytest.raises(RefusedModel, match=words):
        ChurnModel.load(tmp_path)


def test_a_graph_that_takes_no_codes_is_refused_as_old(tmp_path, folder):
    old = onnx.load(folder / MODEL_FILE)
    (codes,) = [each for each in old.graph.input if each.name == "category_codes"]
    old.graph.input.remove(codes)
    onnx.save(old, tmp_path / MODEL_FILE)
    (tmp_path / CONTRACT_FILE).write_bytes((folder / CONTRACT_FILE).read_bytes())
    with pytest.raises(RefusedModel, match="train it again"):
        ChurnModel.load(tmp_path)


def test_a_column_of_more_categories_than_a_byte_holds_is_scored(tmp_path):
    table = customers(1200)
    table["town"] = [f"T{number % 300}" for number in range(len(table))]
    model = ChurnModel.load(exported(tmp_path, table=table, keep=("town",)).folder)
    rows = [{**ROW, "town": f"T{number}"} for number in range(301)]
    assert scored(model, *rows).unknown_categories == {"town": 1}


def test_reasons_are_told_anew_when_too_many_were_kept(folder):
    rows = customers(50)[list(ROW)].assign(total=lambda table: table["total"].replace("", None)).to_dict("records")
    many, few = ChurnModel.load(folder), ChurnModel.load(folder)
    few._reason_texts = ReasonTexts(few.contract, most=5)
    assert scored(few, *rows, reasons=True).reasons == scored(many, *rows, reasons=True).reasons
    assert len(few._reason_texts) <= 5 < len(many._reason_texts)


def test_a_damaged_graph_is_refused(tmp_path, folder):
    (tmp_path / CONTRACT_FILE).write_bytes((folder / CONTRACT_FILE).read_bytes())
    (tmp_path / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:500])
    with pytest.raises(RefusedModel, match="not a graph"):
        ChurnModel.load(tmp_path)
