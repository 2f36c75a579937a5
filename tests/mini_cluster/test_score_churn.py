"""score_churn: rows and usage of customers meet, by a model that reads both."""

import json
import re
from importlib.resources import files

import pytest

from flink.functions import register_latest_record, register_pseudonym, text_literal
from headrace.model_store.publishing import publish
from jobs import score_churn, sql_file
from jobs.settings import JobSettings
from models.churn import ChurnModel
from models.churn.artifact import export
from schemas.topics import CHURN_SCORES, CUSTOMERS, CUSTOMERS_USAGE, DEAD_LETTERS
from schemas.usage_features import NO_USAGE
from tests.mini_cluster.changing_customers import key_file, pseudonym_of
from tests.raw_messages import NOW_MS
from tests.training.models.churn.exported import fitted_and_prepared
from tests.unit.models.churn.customers import customers

USED = "usage_readings_7d"


def table_with_usage():
    """Who takes few readings leaves."""
    table = customers().drop(columns=["payment", "total"])
    left = table["churn"] == "Yes"
    return table.assign(**{USED: [str((20 if leaves else 50) + n % 60) for n, leaves in enumerate(left)]})


def exported(folder, table):
    fitted, prepared, settings = fitted_and_prepared("logistic", table=table)
    return export(fitted, prepared, settings, folder, folder.name)


def row(customer, changed_at=NOW_MS, deleted="false", **columns):
    columns = {"contract": "month", "months": 5, "bill": 60.0} | columns
    record = {"customer_id": customer, "__source_ts_ms": changed_at, "__deleted": deleted, **columns}
    return CUSTOMERS, customer, json.dumps(record).encode()


def usage(customer, readings, as_of=NOW_MS):
    record = {"schema_version": 1, "customer": pseudonym_of(customer), "as_of": as_of}
    record |= {"features": NO_USAGE | {USED: readings}}
    return CUSTOMERS_USAGE, pseudonym_of(customer), json.dumps(record).encode()


RECORDS = [
    row("anna"),
    usage("anna", 80),
    row("ben"),
    usage("anna", 0, NOW_MS + 1),
    row("anna", NOW_MS + 2, contract="year"),
    usage("carl", 80),
    row("carl", NOW_MS - 1),
    usage("dora", 80, NOW_MS - 5),
    row("dora", NOW_MS),
    row("dora", NOW_MS + 1, "true"),
    (CUSTOMERS, "dora", None),
    usage("dora", 70, NOW_MS + 2),
    row("dora", NOW_MS + 3),
    (CUSTOMERS_USAGE, pseudonym_of("anna"), b"{"),
    row("erik", bill="für viel"),
    usage("erik", 5),
    (CUSTOMERS, None, b"{}"),
    (CUSTOMERS_USAGE, pseudonym_of("anna"), None),
]
"""In the order they come; the place of each is its offset."""


@pytest.fixture(scope="module")
def run_with(file_tables, tmp_path_factory):
    """The scores and dead letters of one run over `RECORDS`, and the model that made them."""

    def run_with(table):
        root = tmp_path_factory.mktemp("models")
        artifact = exported(root / "made", table)
        publish(root, artifact.folder, artifact.contract.version)
        topics = file_tables("score_churn")
        topics.records_source("records", RECORDS)
        topics.bytes_sink(CHURN_SCORES)
        topics.bytes_sink(DEAD_LETTERS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(score_churn, "models", lambda: root)
            topics.execute(score_churn.build(topics.tables, JobSettings(), key_file(topics.folder)))
        return topics.records(CHURN_SCORES), topics.records(DEAD_LETTERS), ChurnModel.load(artifact.folder)

    return run_with


@pytest.fixture(scope="module")
def by_usage(run_with):
    return run_with(table_with_usage())


@pytest.fixture(scope="module")
def without_usage(run_with):
    return run_with(table_with_usage().drop(columns=USED))


def said(scores, customer):
    return [(score.position.offset, score.changed_at, score.deleted) for score in scores if score.customer == customer]


def risks(scores, customer):
    return [score.risk for score in scores if score.customer == customer]


def risk_of(model, readings=None, **columns):
    """What the model says of the row by itself."""
    known = json.loads(row("x", **columns)[2]) | ({} if readings is None else {USED: readings})
    return pytest.approx(float(model.predict(model.columns_of([known])).probabilities[0]))


def test_each_row_and_each_usage_is_a_score_of_the_newest_of_both(by_usage):
    scores, _, model = by_usage
    expected = [(0, "month"), (80, "month"), (0, "month"), (0, "year")]
    assert risks(scores, "anna") == [risk_of(model, readings, contract=contract) for readings, contract in expected]
    assert said(scores, "anna") == [
        (0, NOW_MS, False),
        (0, NOW_MS, False),
        (0, NOW_MS + 1, False),
        (4, NOW_MS + 2, False),
    ]


def test_a_customer_without_usage_is_scored_as_one_who_uses_nothing(by_usage):
    scores, _, model = by_usage
    assert risks(scores, "ben") == [risk_of(model, 0)]


def test_usage_before_the_row_waits_for_it_and_its_time_is_the_newer(by_usage):
    scores, _, model = by_usage
    assert risks(scores, "carl") == [risk_of(model, 80)]
    assert said(scores, "carl") == [(6, NOW_MS, False)]


def test_usage_of_a_deleted_customer_says_nothing_and_is_there_when_the_row_comes_back(by_usage):
    scores, _, model = by_usage
    assert said(scores, "dora") == [(8, NOW_MS, False), (9, NOW_MS + 1, True), (12, NOW_MS + 3, False)]
    assert risks(scores, "dora") == [risk_of(model, 80), None, risk_of(model, 70)]


def test_what_cannot_be_used_is_a_dead_letter_once_with_its_own_bytes(by_usage):
    _, letters, _ = by_usage
    found = {(each.position.topic, each.position.offset): (each.reason, each.original) for each in letters}
    assert len(letters) == len(found)
    assert found == {
        ("customers.usage", 13): ("not_usage", b"{"),
        ("customers", 14): ("unscorable_customer", RECORDS[14][2]),
        ("customers", 16): ("not_a_customer", b"{}"),
    }


def test_text_of_a_row_comes_through_unchanged(by_usage):
    (detail,) = (each.detail for each in by_usage[1] if each.reason == "unscorable_customer")
    assert "'für viel'" in detail


def test_a_model_without_usage_scores_rows_alone(without_usage):
    scores, letters, model = without_usage
    expected = {"anna": ["month", "year"], "ben": ["month"], "carl": ["month"], "dora": ["month", None, "month"]}
    for customer, contracts in expected.items():
        assert risks(scores, customer) == [each and risk_of(model, contract=each) for each in contracts], customer
    assert len(letters) == 3


def test_of_a_deleted_row_only_that_it_is_deleted_is_kept(file_tables):
    """What the state holds is what goes on from it: the row that stands behind a later record of the customer."""
    topics = file_tables("kept_rows")
    deleted = row("anna", NOW_MS + 1, "true", bill=77.25)
    topics.records_source("records", [row("anna", bill=66.5), deleted, usage("anna", 5)])
    register_pseudonym(topics.tables)
    register_latest_record(topics.tables)
    key = text_literal(str(key_file(topics.folder)))
    text = files("jobs").joinpath("score_churn.sql").read_text().split("-- A batch has one bucket")[0]
    for statement in sql_file.statements(text.replace("${pseudonym_key}", key)):
        name, query = re.fullmatch(r"CREATE TEMPORARY VIEW (\w+) AS\s+(.*)", statement, re.DOTALL).groups()
        topics.tables.create_temporary_view(name, topics.tables.sql_query(query))
    with topics.tables.sql_query("SELECT l.newest_row.record FROM latest AS l").execute().collect() as rows:
        records = [bytes(each[0]) for each in rows]
    assert b"66.5" in records[0]
    assert records[1:] == [b'{"__deleted":"true","__source_ts_ms":%d}' % (NOW_MS + 1)] * 2
