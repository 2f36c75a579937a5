"""How far a consumer group is behind in a topic that is written in transactions, on a real Kafka and nothing else."""

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from connectors.kafka.clients import transactional_producer
from headrace.monitoring import alarms, topics
from schemas.topics import TELEMETRY_READINGS

GROUP = "headrace-store_redis"


@pytest.fixture(scope="module")
def kafka(broker):
    return broker.endpoints.kafka


@pytest.fixture
def producer(kafka):
    producer = transactional_producer(kafka, client_id="trial", transactional_id="trial-records-behind")
    producer.init_transactions()
    yield producer
    producer.close(timeout=5)


def transaction(producer, records, commit=True):
    producer.begin_transaction()
    for number in range(records):
        producer.send(TELEMETRY_READINGS.name, b"{}", partition=number % TELEMETRY_READINGS.partitions).get(timeout=30)
    producer.commit_transaction() if commit else producer.abort_transaction()


def read_all(kafka):
    """As Flink's source commits: behind the last record of each partition, and in front of the markers."""
    settings = {"isolation_level": "read_committed", "enable_auto_commit": False}
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=GROUP, auto_offset_reset="earliest", **settings)
    try:
        partitions = [
            TopicPartition(TELEMETRY_READINGS.name, number) for number in range(TELEMETRY_READINGS.partitions)
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends, nexts = consumer.end_offsets(partitions), {}
        while any(consumer.position(each) < ends[each] for each in partitions):
            for each, records in consumer.poll(timeout_ms=500).items():
                nexts[each] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
        consumer.commit(nexts)
        return sum(ends[each] - at.offset for each, at in nexts.items())
    finally:
        consumer.close()


def behind(kafka):
    return topics.collect(kafka).lags[GROUP, TELEMETRY_READINGS.name]


def test_a_group_that_has_read_every_record_is_0_behind_whatever_stands_after_them(kafka, producer):
    transaction(producer, 12)
    left = read_all(kafka)
    assert left == TELEMETRY_READINGS.partitions, "a marker a partition is left, or this test shows nothing"
    assert behind(kafka) == 0
    transaction(producer, 300, commit=False)
    assert behind(kafka) == 0
    transaction(producer, 30)
    transaction(producer, 5)
    assert behind(kafka) == 35
    assert list(alarms.of_topics(topics.collect(kafka))) == []
    read_all(kafka)
    assert behind(kafka) == 0
