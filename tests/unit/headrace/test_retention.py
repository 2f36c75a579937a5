"""The alarms before, and after, Kafka removes what nobody has read; and those of the corrector."""

import json
from dataclasses import replace

import pytest
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.structs import OffsetAndMetadata, OffsetAndTimestamp

from headrace.monitoring import alarms, corrections, retention
from headrace.monitoring.corrections import CorrectionFigures
from headrace.monitoring.retention import Limits, Unread

DAY_MS = 86_400_000
GIB = 2**30
UNREAD = Unread("headrace-store_redis", "telemetry.readings", 2, Limits(7 * DAY_MS, 4 * GIB))


def said(*unread):
    return [alarm.wrong for alarm in alarms.of_retention(unread)]


def test_what_is_young_and_small_calls_nobody():
    assert said(UNREAD, replace(UNREAD, age_ms=3 * DAY_MS, size_bytes=GIB)) == []


def test_a_record_that_waits_for_more_than_half_of_the_retention_is_an_alarm():
    assert said(replace(UNREAD, age_ms=4 * DAY_MS)) == [
        "headrace-store_redis has not read telemetry.readings[2] for 4.0 days: Kafka removes records after 7.0 days"
    ]


def test_more_than_half_of_the_size_unread_is_an_alarm():
    assert said(replace(UNREAD, size_bytes=3 * GIB)) == [
        "headrace-store_redis has 3,072 MiB of telemetry.readings[2] unread: Kafka removes what is more than 4,096 MiB"
    ]


def test_what_was_removed_unread_is_an_alarm_of_its_own():
    assert said(replace(UNREAD, dropped=1200, age_ms=6 * DAY_MS)) == [
        "headrace-store_redis never read 1,200 offsets of telemetry.readings[2]: they were older or more than the "
        "topic keeps"
    ]


def test_a_topic_without_limits_calls_nobody():
    assert said(replace(UNREAD, limits=Limits(None, None), age_ms=900 * DAY_MS, size_bytes=900 * GIB)) == []


def test_a_group_gets_one_alarm_a_topic_of_its_worst_partition():
    partitions = [replace(UNREAD, partition=number, age_ms=age * DAY_MS) for number, age in enumerate((4, 6, 5))]
    other = replace(UNREAD, group="another", age_ms=5 * DAY_MS)
    assert len(said(*partitions, other)) == 2
    assert "telemetry.readings[1] for 6.0 days" in said(*partitions)[0]


def test_every_alarm_says_what_to_do_next():
    unread = [replace(UNREAD, dropped=1), replace(UNREAD, topic="b", age_ms=6 * DAY_MS)]
    assert all(alarm.next for alarm in alarms.of_retention(unread))


# ---------------------------------------------------------------- where the figures come from

AT = TopicPartition("telemetry.readings", 0)
RETENTION_MS = 1000


class InMemoryBroker:
    """One partition: records of an age each, from an offset on; None is a transaction marker."""

    now_ms = 1_790_000_000_000

    def __init__(self, ages_ms, *, first=0, committed, size=1000, limits=("1000", "500")):
        self.ages_ms, self.first, self.committed, self.size, self.limits = ages_ms, first, committed, size, limits

    def list_topics(self):
        return [AT.topic, "somebody.elses"]

    def describe_configs(self, resources, config_filter):
        age, size = self.limits
        settings = {"retention.ms": {"value": age}, "retention.bytes": {"value": size}}
        return {"topic": {resource.name: settings for resource in resources}}

    def describe_log_dirs(self, topics):
        partitions = [{"partition_index": AT.partition, "partition_size": self.size}]
        return [{"broker": 1, "log_dirs": [{"topics": [{"name": AT.topic, "partitions": partitions}]}]}]

    def list_groups(self):
        return [{"group_id": "store"}]

    def list_group_offsets(self, groups):
        foreign = {TopicPartition("somebody.elses", 0): OffsetAndMetadata(0, "", -1)}
        return {"store": {AT: OffsetAndMetadata(self.committed, "", -1)} | foreign}

    def list_partition_offsets(self, wanted):
        return {at: OffsetAndTimestamp(self._offset(spec), -1, -1) for at, spec in wanted.items()}

    def _offset(self, spec):
        if spec is OffsetSpec.EARLIEST:
            return self.first
        if spec is OffsetSpec.LATEST:
            return self.first + len(self.ages_ms)
        young = self.now_ms - spec
        return next((at for at, age in enumerate(self.ages_ms, self.first) if age is not None and age <= young), -1)

    def oldest_from(self, at, offset, end):
        for age in self.ages_ms[offset - self.first :]:
            if age is not None:
                return self.now_ms - age
        return None


def figures(ages_ms, **broker):
    kafka = InMemoryBroker(ages_ms, **broker)
    return list(retention.unread(kafka, kafka.oldest_from, kafka.now_ms))


def test_the_age_is_that_of_the_oldest_unread_record():
    (unread,) = figures([900, 800, 700, 10], committed=1)
    assert (unread.age_ms, unread.age_share, unread.dropped) == (800, 0.8, 0)


def test_where_nothing_is_young_the_record_is_looked_at_too():
    (unread,) = figures([900, 800], committed=0)
    assert unread.age_ms == 900


def test_a_record_younger_than_half_of_the_retention_is_not_looked_at():
    (unread,) = figures([900, 400, 10], committed=1)
    assert unread.age_ms == 0


def test_a_transaction_marker_that_nobody_has_passed_is_no_unread_record():
    (unread,) = figures([900, None], committed=1)
    assert unread.age_ms == 0


def test_a_group_at_the_end_is_not_behind():
    assert figures([900, 800], committed=2) == []


def test_the_size_is_the_share_of_the_partition_that_is_unread():
    (unread,) = figures([10] * 4, committed=1, size=400)
    assert (unread.size_bytes, unread.size_share) == (300, 0.6)


def test_offsets_before_the_first_were_never_read():
    (unread,) = figures([900, 10], first=50, committed=20)
    assert (unread.dropped, unread.age_ms, unread.size_bytes) == (30, 900, 1000)


def test_everything_may_have_been_removed():
    (unread,) = figures([], first=50, committed=20) or [None]
    assert unread is not None
    assert (unread.dropped, unread.age_ms, unread.size_bytes) == (30, 0, 0)


def test_minus_one_is_no_limit():
    (unread,) = figures([900, 10], committed=0, limits=("-1", "-1"))
    assert (unread.limits, unread.age_share, unread.size_share) == (Limits(None, None), 0.0, 0.0)


# ---------------------------------------------------------------- the corrector


def test_a_corrector_that_does_its_work_calls_nobody():
    assert list(alarms.of_corrections(CorrectionFigures(age_s=600, every_s=300))) == []
    assert list(alarms.of_corrections(None)) == []


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (CorrectionFigures(5, 300, error="InfluxDB does not answer"), "windows are not corrected: InfluxDB"),
        (CorrectionFigures(661, 300), "the corrector has reported nothing for 661 s"),
    ],
)
def test_a_corrector_that_fails_or_keeps_silent_is_an_alarm(figures, words):
    (alarm,) = alarms.of_corrections(figures)
    assert words in alarm.wrong
    assert alarm.next == "headrace logs corrector"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 1}', '{"at": "now", "every_s": 5}'])
def test_a_report_of_somebody_else_says_nothing(tmp_path, text):
    report = tmp_path / "corrector.json"
    assert corrections.collect(report) is None
    report.write_text(text)
    assert corrections.collect(report) is None


def test_a_report_is_read(tmp_path):
    report = tmp_path / "corrector.json"
    report.write_text(json.dumps({"at": 0, "every_s": 300, "late": 3, "corrected": 2, "left": 1, "malformed": 0}))
    found = corrections.collect(report)
    assert (found.late, found.corrected, found.left, found.error) == (3, 2, 1, None)
    assert found.age_s > 10**9
