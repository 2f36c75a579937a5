"""What is under way, and what can be judged by now."""

from dataclasses import replace

import pytest

from headrace.reconciliation.progress import TO_REDIS, WINDOWING, Progress
from headrace.reconciliation.windows import OpenWindow
from jobs.names import CLEAN_TELEMETRY
from tests.unit.headrace.balance_topics import LATE, RAW, READINGS

NOBODY = "127.0.0.1:1"
"""No Flink listens here."""


class InMemoryLog:
    """A cluster with two partitions a topic, and what its consumer groups have committed."""

    def __init__(self, groups=None, committed=10, ends=10):
        self.groups = groups or {}
        self.at = {"committed": committed, "ends": ends}

    def partitions(self, topics):
        return [(topic, number) for topic in topics for number in range(2)]

    def committed_ends(self, partitions):
        return dict.fromkeys(partitions, self.at["committed"])

    def ends(self, partitions):
        return dict.fromkeys(partitions, self.at["ends"])

    def group_offsets(self, groups):
        return {(group, partition): offset for (group, partition), offset in self.groups.items() if group in groups}


def progress(uncommitted=(), watermark_ms=None, **groups):
    offsets = {(f"headrace-{job}", (topic, number)): at for job, (topic, number, at) in groups.items()}
    return Progress({}, frozenset(uncommitted), offsets, watermark_ms)


def test_a_job_is_past_a_record_when_its_group_has_committed_the_next():
    seen = progress(store_redis=(READINGS, 1, 5))
    assert seen.is_past(TO_REDIS, 1, 4)
    assert not seen.is_past(TO_REDIS, 1, 5)
    assert not seen.is_past(TO_REDIS, 0, 0)


def test_a_job_is_behind_by_records_and_not_by_the_markers_after_the_last():
    seen = progress(window_telemetry=(READINGS, 0, 5))
    assert seen.behind(WINDOWING, {(READINGS, 0): 4, (READINGS, 1): -1, (RAW, 0): 99}) == 0
    assert seen.behind(WINDOWING, {(READINGS, 0): 7, (READINGS, 1): 0}) == 4


def test_a_job_that_never_ran_is_behind_by_everything():
    assert "clean_telemetry is 8 offsets of telemetry.raw behind" in progress().waiting({(RAW, 0): 7})


def test_nothing_is_under_way_where_nothing_was_ever_sent():
    assert progress().waiting({}) == []


def test_records_of_an_open_transaction_are_waited_for():
    seen = progress(uncommitted=[LATE], watermark_ms=1000)
    assert seen.waiting({}) == ["telemetry.late holds records that are not committed yet"]
    assert seen.has_committed(CLEAN_TELEMETRY)
    assert not seen.has_committed(WINDOWING)


def test_a_store_is_past_a_record_when_its_dead_letter_would_be_seen():
    assert not progress(uncommitted=["dead-letters"], store_redis=(READINGS, 1, 5)).is_past(TO_REDIS, 1, 4)


WINDOW = OpenWindow("pump/flow", "10s", 990_000, 1, partition=0, first=3, last=4)


@pytest.mark.parametrize(
    ("seen", "closed"),
    [
        (progress(watermark_ms=1_000_000, window_telemetry=(READINGS, 0, 5)), True),
        (progress(watermark_ms=999_999, window_telemetry=(READINGS, 0, 5)), False),
        (progress(watermark_ms=None, window_telemetry=(READINGS, 0, 5)), False),
        (progress(watermark_ms=1_000_000, window_telemetry=(READINGS, 0, 5), uncommitted=[LATE]), False),
        # Its last reading came behind the watermark, and is not yet written to telemetry.late.
        (progress(watermark_ms=1_000_000, window_telemetry=(READINGS, 0, 4)), False),
    ],
)
def test_a_window_has_closed_when_the_job_is_past_its_end_and_its_readings_and_has_committed(seen, closed):
    assert seen.has_closed(WINDOW) is closed


def test_a_window_without_readings_has_closed_by_its_end_alone():
    assert progress(watermark_ms=1_000_000).has_closed(replace(WINDOW, open=-1, partition=None, first=None, last=None))


def test_it_is_taken_from_kafka_and_without_flink_no_window_is_judged():
    groups = {("headrace-store_redis", (READINGS, 0)): 10, ("somebody-else", (READINGS, 0)): 3}
    seen = Progress.of(InMemoryLog(groups, committed=10, ends=12), NOBODY)
    assert seen.ends[RAW, 1] == 10
    assert seen.groups == {("headrace-store_redis", (READINGS, 0)): 10}
    assert seen.uncommitted == {
        READINGS, LATE, "telemetry.duplicates", "telemetry.ignored", "telemetry.windows", "dead-letters"
    }  # fmt: skip
    assert seen.watermark_ms is None
