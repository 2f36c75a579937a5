"""What became of a published file, told from the topics."""

from types import SimpleNamespace

import pytest

from connectors.kafka.reading import PartitionBatch
from headrace.publish_outcome import PublishOutcome, last_line
from tests.unit.headrace.balance_topics import duplicate, ignored, letter, position, reading

MARKER = b"a1b2c3"
OURS = b'{"publish_id":"a1b2c3"}'
RAW, READINGS, LETTERS = "telemetry.raw", "telemetry.readings", "dead-letters"


class InMemoryLog:
    """Topics of one partition."""

    def __init__(self):
        self.topics = {topic: [] for topic in (RAW, READINGS, "telemetry.duplicates", "telemetry.ignored", LETTERS)}

    def append(self, topic, *values):
        for value in values:
            encoded = value if isinstance(value, bytes | None) else value.model_dump_json().encode()
            offset = len(self.topics[topic])
            self.topics[topic].append(SimpleNamespace(partition=0, offset=offset, value=encoded))

    def partitions(self, topics):
        return [(topic, 0) for topic in topics]

    def committed_ends(self, partitions):
        return {each: len(self.topics[each[0]]) for each in partitions}

    def read(self, starts, ends):
        for (topic, partition), start in starts.items():
            records = self.topics[topic][start : ends[topic, partition]]
            if records:
                yield PartitionBatch(topic, partition, start, start + len(records), records)


class Clock:
    """Moves when somebody sleeps, and lets something happen then."""

    def __init__(self, *events):
        self.now, self.events = 0.0, list(events)

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        if self.events:
            self.events.pop(0)()


@pytest.fixture
def log():
    return InMemoryLog()


def follow(outcome, sent, clock, job_runs=lambda: True):
    return outcome.follow(sent, job_runs, clock=clock, sleep=clock.sleep)


def test_readings_dead_letters_duplicates_and_ignored_messages_are_told_apart(log):
    outcome = PublishOutcome(log, MARKER)
    log.append(RAW, OURS, OURS, OURS, OURS, OURS)
    log.append(READINGS, reading(position(0)), reading(position(1)))
    log.append("telemetry.duplicates", duplicate(position(2)))
    log.append("telemetry.ignored", ignored(position(3)))
    log.append(LETTERS, letter(position(4)))
    assert follow(outcome, 5, Clock()) is None
    assert last_line(outcome, 5, "pump", None) == (
        "5 sent: 2 readings, 1 duplicates, 1 ignored, 1 dead letters (1 bad_value). "
        "See them:  headrace dlq ls --device pump"
    )


def test_what_others_send_meanwhile_is_not_counted(log):
    log.append(RAW, OURS)
    log.append(READINGS, reading(position(0)))
    outcome = PublishOutcome(log, MARKER)
    log.append(RAW, b'{"metric":"flow"}', OURS, None)
    log.append(READINGS, reading(position(1)), reading(position(2)), b"no JSON", b"[1]", b'{"position":7}', None)
    log.append(
        LETTERS, letter(position(2), stage="store_redis"), letter(position(2, topic="interactions")), letter(None)
    )
    assert follow(outcome, 1, Clock()) is None
    assert outcome.counts == {"readings": 1}


def test_what_comes_later_is_waited_for(log):
    outcome = PublishOutcome(log, MARKER)
    clock = Clock(lambda: log.append(RAW, OURS), lambda: None, lambda: log.append(READINGS, reading(position(0))))
    decided = []
    assert outcome.follow(1, lambda: True, decided.append, clock=clock, sleep=clock.sleep) is None
    assert decided == [0, 0, 0, 1]


def test_a_message_that_mqtt_delivers_twice_is_waited_for_twice(log):
    outcome = PublishOutcome(log, MARKER)
    log.append(RAW, OURS, OURS)
    log.append(READINGS, reading(position(0)))
    clock = Clock(lambda: log.append("telemetry.duplicates", duplicate(position(1))))
    assert follow(outcome, 1, clock) is None
    assert outcome.counts == {"readings": 1, "duplicates": 1}


def test_a_job_that_does_not_run_is_named_before_the_bound(log):
    outcome, clock = PublishOutcome(log, MARKER), Clock()
    log.append(RAW, OURS)
    unfinished = follow(outcome, 1, clock, job_runs=lambda: False)
    assert clock.now < 10
    assert "headrace submit clean_telemetry" in unfinished
    line = last_line(outcome, 1, "pump", unfinished)
    assert line.startswith("1 sent: 0 readings, 0 duplicates, 0 ignored, 0 dead letters, 1 not processed yet. clean_")


def test_without_progress_the_wait_ends_and_says_where_they_are(log):
    outcome, clock = PublishOutcome(log, MARKER), Clock()
    assert "1 have not come from the broker to telemetry.raw" in follow(outcome, 1, clock, job_runs=lambda: False)
    assert clock.now == pytest.approx(60, abs=2)
    log.append(RAW, OURS)
    assert "clean_telemetry has committed none" in follow(outcome, 1, Clock())
