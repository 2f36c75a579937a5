"""`headrace submit` and the transactions that an earlier run of a job left open, on a real Kafka."""

import contextlib

import pytest

from connectors.kafka.clients import create_topics, transactional_producer
from connectors.kafka.scan import scan
from connectors.kafka.transactions import abort, open_transactions
from jobs.names import transactional_id_prefix
from schemas.topics import Topic

JOB = "store_redis"
# A topic of the test's own: a transaction is known by its id and not by where it writes.
TOPIC = Topic("trial.transactions", None, "Of this test.", partitions=1)


@pytest.fixture(scope="module")
def kafka(stack):
    create_topics(stack.endpoints.kafka, [TOPIC])
    return stack.endpoints.kafka


@pytest.fixture
def begun(kafka):
    """Begins a transaction, writes a record in it, and leaves it open, as a killed worker does."""
    with contextlib.ExitStack() as producers:

        def begin(transactional_id, value):
            producer = transactional_producer(kafka, client_id="trial", transactional_id=transactional_id)
            producers.callback(producer.close, timeout=0)
            producer.init_transactions()
            producer.begin_transaction()
            producer.send(TOPIC.name, value).get(timeout=30)
            return producer

        yield begin


def committed(kafka):
    return [record.value for record in scan(kafka, TOPIC)]


def open_ids(kafka, job):
    return [found.id for found in open_transactions(kafka, [transactional_id_prefix(job)])]


def test_a_job_that_starts_afresh_aborts_what_its_last_run_left_open_and_nothing_of_others(stack, kafka, begun):
    orphan, foreign = f"headrace-{JOB}-dead-letters-0-7", "headrace-clean_telemetry-telemetry.readings-0-7"
    begun(orphan, b"never committed")
    begun("somebody-else", b"behind it").commit_transaction()
    begun(foreign, b"of another job")
    assert committed(kafka) == [], "an open transaction stops its readers, or this test shows nothing"

    done = stack.headrace("submit", JOB)

    assert f"aborted transaction {orphan}, which an earlier run left open in {TOPIC.name}-0" in done.stdout
    assert committed(kafka) == [b"behind it"]
    assert foreign in open_ids(kafka, "clean_telemetry")
    abort(kafka, open_transactions(kafka, [foreign]))


def test_a_job_that_runs_keeps_its_transactions(stack, kafka, begun):
    stack.headrace("submit", JOB)
    own = f"headrace-{JOB}-dead-letters-0-8"
    begun(own, b"to be committed")

    done = stack.headrace("submit", JOB)

    assert "runs already" in done.stdout
    assert own in open_ids(kafka, JOB)
    abort(kafka, open_transactions(kafka, [own]))
    assert own not in open_ids(kafka, JOB)
