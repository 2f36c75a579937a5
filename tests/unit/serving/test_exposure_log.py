"""Exposures on their way to Kafka."""

import time

from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from connectors.kafka.clients import KafkaUnavailable
from schemas.topics import EXPOSURES
from serving.exposure_producer import ExposureProducer
from tests.unit.serving.instance_in_memory import KafkaInMemory


def until(condition, within_s=5):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.002)


def test_they_come_in_order_and_are_counted_when_kafka_has_them():
    kafka = KafkaInMemory()
    log = ExposureProducer(lambda: kafka, 100)
    log.start()
    for n in range(5):
        assert log.offer(b"u%d" % n, b"e%d" % n)
    assert log.stop(timeout_s=5) == 0
    assert kafka.records == [(EXPOSURES.name, b"u%d" % n, b"e%d" % n) for n in range(5)]
    assert (log.stored, log.dropped, log.refused) == (5, 0, 0)


def test_while_kafka_is_away_they_wait_within_the_bound():
    kafka, there = KafkaInMemory(), []

    def connect():
        if not there:
            raise KafkaUnavailable("no broker")
        return kafka

    log = ExposureProducer(connect, 3, retry_s=0.01)
    log.start()
    assert [log.offer(b"u", b"%d" % n) for n in range(5)] == [True, True, True, False, False]
    there.append(True)
    until(lambda: log.stored == 3)
    assert [value for _, _, value in kafka.records] == [b"0", b"1", b"2"]
    assert log.dropped == 2
    assert log.offer(b"u", b"5")
    assert log.stop(timeout_s=5) == 0


def test_what_is_sent_and_not_confirmed_counts_against_the_bound():
    kafka = KafkaInMemory()
    kafka.outcome = "silence"
    log = ExposureProducer(lambda: kafka, 2)
    log.start()
    log.offer(b"u", b"0")
    log.offer(b"u", b"1")
    until(lambda: len(kafka.records) == 2)
    assert not log.offer(b"u", b"2")
    assert log.stop(timeout_s=0.1) == 2


def test_a_send_that_fails_is_tried_again():
    class Forgetful(KafkaInMemory):
        failures = 2

        def send(self, topic, **named):
            if self.failures:
                self.failures -= 1
                raise KafkaTimeoutError("no topic yet")
            return super().send(topic, **named)

    kafka = Forgetful()
    log = ExposureProducer(lambda: kafka, 10)
    log.start()
    log.offer(b"u", b"0")
    log.offer(b"u", b"1")
    assert log.stop(timeout_s=5) == 0
    assert [value for _, _, value in kafka.records] == [b"0", b"1"]


def test_what_kafka_refuses_is_counted():
    kafka = KafkaInMemory()
    kafka.outcome = MessageSizeTooLargeError("no")
    log = ExposureProducer(lambda: kafka, 10)
    log.start()
    log.offer(b"u", b"0")
    assert log.stop(timeout_s=5) == 0
    assert (log.stored, log.refused) == (0, 1)


def test_stopping_before_kafka_was_found_says_how_many_are_lost():
    def connect():
        raise KafkaUnavailable("no broker")

    log = ExposureProducer(connect, 10)
    log.start()
    log.offer(b"u", b"0")
    assert log.stop(timeout_s=0.05) == 1
