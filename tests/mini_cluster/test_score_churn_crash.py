"""score_churn, killed in the middle: each record is scored once, with what came before the crash."""

import pytest
from pyflink.table.udf import udf

from headrace.model_store.publishing import publish
from jobs import score_churn
from jobs.settings import JobSettings
from models.churn import ChurnModel
from models.churn.customer_scores import outcomes
from schemas.churn_score import ChurnScore
from schemas.topics import CHURN_SCORES, DEAD_LETTERS
from tests.mini_cluster.changing_customers import RECORDS, customer, is_row, key, key_file, sent
from tests.mini_cluster.crashes_once import CrashesOnce, restarts_once
from tests.mini_cluster.test_score_churn import exported, table_with_usage
from tests.unit.models.churn.customer_batches import Came, customer_batch

IDS = f"""CREATE TEMPORARY TABLE ids (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '60',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{RECORDS - 1}')"""

VIEW = """CREATE TEMPORARY VIEW records AS
SELECT
  key_of(id) AS device, sent(id) AS record,
  CASE WHEN MOD(id, 3) > 0 THEN 'customers' ELSE 'customers.usage' END AS topic,
  0 AS `partition`, id AS `offset`
FROM ids"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("model") / "made", table_with_usage()).folder


@pytest.fixture(scope="module")
def topics(file_tables, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    publish(folder / "models", model, "made")
    topics = file_tables("score_churn", **restarts_once(folder))
    crashing = CrashesOnce(sent, RECORDS // 2, folder / "marker")
    topics.tables.create_temporary_function("sent", udf(crashing, result_type="BYTES"))
    topics.tables.create_temporary_function("key_of", udf(key, result_type="STRING"))
    topics.tables.execute_sql(IDS)
    topics.tables.execute_sql(VIEW)
    topics.bytes_sink(CHURN_SCORES)
    topics.bytes_sink(DEAD_LETTERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_churn, "models", lambda: folder / "models")
        topics.execute(score_churn.build(topics.tables, JobSettings(), key_file(folder)), timeout_s=120)
    assert (folder / "marker").exists(), "the job ended before it could crash"
    return topics


@pytest.fixture(scope="module")
def alone(model):
    """What becomes of the same records without Flink, all in one batch; and their offsets."""
    rows, usages, came, offsets = {}, {}, [], []
    for number in range(RECORDS):
        key, value = customer(number), sent(number)
        if value is None:
            continue
        (rows if is_row(number) else usages)[key] = (value, number)
        row, offset = rows.get(key, (None, -1))
        came.append(Came(key, row, 0, offset, usages.get(key, (None,))[0], is_row(number)))
        offsets.append(number)
    return outcomes(ChurnModel.load(model), customer_batch(*came)), offsets


def told(scores):
    """Sums of float32 in batches of other lengths end in other last bits."""
    return sorted((s.customer, s.position.offset, s.changed_at, s.deleted, round(s.risk or 0, 5)) for s in scores)


def test_each_record_is_scored_once_with_the_newest_row_and_usage_of_before_and_after(topics, alone):
    expected, _ = alone
    assert told(topics.records(CHURN_SCORES)) == told(
        ChurnScore.model_validate_json(record) for _, record in expected.scores
    )
    assert len(expected.scores) > RECORDS // 2


def test_what_cannot_be_used_is_a_dead_letter_once(topics, alone):
    expected, offsets = alone
    letters = [(letter.position.offset, letter.reason) for letter in topics.records(DEAD_LETTERS)]
    assert sorted(letters) == [(offsets[place], why.reason) for place, why in expected.unscored.items()]
    assert letters
