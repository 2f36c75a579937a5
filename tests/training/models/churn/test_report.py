"""The report says what is so."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.artifact import export, log_odds_of
from models.churn.costs import Costs
from models.churn.metrics import figures
from models.churn.onnx_model import MODEL_FILE
from models.churn.report import charts, curves
from models.churn.report.card import card
from models.churn.report.contents import contents
from models.churn.report.fairness import by_group, groups_of
from models.churn.report.intervals import Ordered, intervals
from models.churn.report.writing import write_report
from models.churn.training import prepare, train
from models.churn.validation import validate
from models.onnx_session import session_of
from tests.unit.models.churn.customers import customers, quick

LABELS = np.array([0, 0, 1, 0, 1, 1, 0, 1, 0, 0])
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.35, 0.9, 0.8, 0.7, 0.6, 0.05, 0.15])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The report of a table one of whose categories is written as HTML."""
    folder = tmp_path_factory.mktemp("report")
    table = customers(800).replace({"payment": {"card": "<b>card</b>"}})
    settings = quick(
        models=("logistic",), trials=1, folds=2, inner_folds=2, bootstraps=50, groups=("payment", "months")
    )
    prepared = prepare(table, settings)
    validation = validate(prepared.frame, prepared.target.labels, prepared.schema.columns, settings)
    fitted = train(prepared, settings)
    artifact = export(fitted, prepared, settings, folder, "v1")
    score = log_odds_of(session_of((folder / MODEL_FILE).read_bytes()))
    write_report(folder, contents(prepared, settings, validation, fitted, artifact, score))
    return folder


@pytest.fixture(scope="module")
def report(folder):
    return json.loads((folder / "report.json").read_text())


def test_the_strongest_columns_are_those_that_made_the_table(report):
    strongest = list(report["shapley"])[:2]
    assert set(strongest) < {"contract", "months", "total"}
    lost = report["permutation_importance"]
    assert lost["contract"]["mean"] > 0.03
    assert abs(lost["payment"]["mean"]) < 0.03


def test_the_confusion_matrix_counts_every_customer_once(report):
    assert sum(map(sum, report["confusion"])) == 800


def test_intervals_hold_their_figures(report):
    for name in ("roc_auc", "average_precision", "brier"):
        low, high = report["intervals"][name]
        assert low < report["figures"][name] < high


def test_each_step_is_compared_with_its_opposite(report):
    assert {"chosen, without scaling", "chosen, with PCA"} < set(report["models"]["figures"])


def test_partial_dependence_falls_with_the_months(report):
    months = report["partial_dependence"]["months"]
    assert months[0]["probability"] > months[-1]["probability"] + 0.1


def test_data_seed_and_libraries_are_named(report):
    assert len(report["contract"]["fingerprint"]) == 64
    assert report["contract"]["seed"] == 7
    assert report["contract"]["libraries"]["scikit-learn"]


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "br", "path", "use"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("meta", "br", "path", "use"):
            assert self.open.pop() == tag


def test_the_page_is_well_formed_has_its_charts_and_needs_nothing_from_outside(folder):
    page = (folder / "report.html").read_text()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.count("svg") >= 7 + 5
    assert not re.search(r'(src|href)="(?!#)', page)


def test_names_from_the_table_are_text_on_the_page(folder):
    page = (folder / "report.html").read_text()
    assert "&lt;b&gt;card&lt;/b&gt;" in page
    assert "<b>card" not in page


def test_the_card_has_front_matter_and_the_figures(folder, report):
    card = (folder / "README.md").read_text()
    assert card.startswith('---\nlibrary_name: "onnx"\n')
    assert f"| roc_auc | {report['figures']['roc_auc']:.4f} |" in card
    assert "`customer_id` is not used: identifier" in card


def test_the_best_profit_is_flagging_those_who_leave_first():
    curve = curves.profit(LABELS, PROBABILITIES, Costs(miss=5, false_alarm=1))
    assert curve["saved"][0] == 0
    # Ranked by risk: left, left, stayed, left, stayed, left, then nobody.
    assert max(curve["saved"]) == pytest.approx((4 * 5 - 2) / 10)


def test_lift_of_all_customers_is_one_and_recall_is_whole():
    curve = curves.lift(LABELS, PROBABILITIES)
    assert (curve["lift"][-1], curve["recall"][-1]) == (1, 1)
    assert curve["lift"][0] == pytest.approx(1 / 0.4)


def test_of_many_categories_the_highest_and_lowest_are_drawn():
    points = [{"value": f"town {number:02}", "probability": number / 100} for number in range(40)]
    drawn = re.findall(r"town \d\d", charts.dependence("town", points))
    assert len(drawn) == 12
    assert {"town 00", "town 39"} <= set(drawn)


def test_bootstraps_of_one_seed_are_the_same():
    assert intervals(LABELS, PROBABILITIES, 50, 1) == intervals(LABELS, PROBABILITIES, 50, 1)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.integers(0, 1)), min_size=2, max_size=40),
    st.data(),
)
def test_figures_of_a_drawn_table_are_those_that_scikit_learn_gives(rows, data):
    rows = sorted([*rows, (0.3, 0), (0.3, 1)])
    probabilities, labels = (np.array(each) for each in zip(*rows, strict=True))
    counts = np.array([data.draw(st.integers(int(said == 0.3), 3)) for said in probabilities])
    drawn = np.repeat(np.arange(len(rows)), counts)
    expected = figures(labels[drawn], probabilities[drawn])
    assert Ordered(labels, probabilities).figures(counts) == pytest.approx(expected, abs=1e-12)


def test_small_groups_are_left_out_and_rates_are_of_their_group():
    cells = pd.Series(["a"] * 40 + ["b"] * 5 + [""] * 40)
    labels = np.array([1] * 20 + [0] * 20 + [1] * 5 + [0] * 40)
    flagged = np.array([1] * 10 + [0] * 10 + [1] * 5 + [0] * 60)
    first, second = by_group(cells, labels, np.full(85, 0.5), flagged)
    assert (first["group"], first["recall"], first["false_alarm_rate"]) == ("a", 0.5, 0.25)
    assert (second["group"], second["recall"], second["roc_auc"]) == ("blank", None, None)


@given(st.lists(st.integers(0, 1000), min_size=10, max_size=80))
def test_every_row_has_one_of_the_groups(numbers):
    groups, order = groups_of(pd.Series([str(number) for number in numbers]))
    assert set(groups) <= set(order)


def test_names_with_backticks_and_line_breaks_stay_code_on_the_card(report):
    contract = {**report["contract"], "columns": [{"name": "a`b\nc"}, {"name": "d"}]}
    text = card({**report, "contract": contract, "fairness": {"re`gion": []}})
    assert "Columns it reads: `` a`b c ``, " in text
    assert "by these groups: `` re`gion ``." in text
