"""Ticks of the clock in the scoring operator: missing series, told once, whatever restarts in between."""

from functools import partial

import numpy as np
import pytest

from jobs.operators.score_fleet import TICK, ScoreFleet
from models.detectors import Batch, Scorer
from models.detectors.batch_codec import is_missing
from schemas.anomaly_score import AnomalyScore
from schemas.reading import Reading
from schemas.record import Position
from tests.unit.jobs.flink_in_memory import FlinkInMemory, ListInMemory, MapInMemory, ValueInMemory
from tests.unit.jobs.micro_batches import gathered_readings, scattered

BEGIN = 1_790_000_000_000
N = 200
"""Readings of each series that are usual, one in 10 s."""


class Subtask(FlinkInMemory):
    """One subtask with the state of its buckets, which outlives the operator."""

    def __init__(self, n_buckets=1):
        super().__init__(0)
        self.states = {bucket: (MapInMemory(), ValueInMemory(), ListInMemory()) for bucket in range(n_buckets)}
        self.snapshot_every = 50

    def get_map_state(self, _):
        return _Current(self, 0)

    def get_state(self, _):
        return _Current(self, 1)

    def get_list_state(self, _):
        return _Current(self, 2)

    def started(self):
        return self.opened(ScoreFleet(partial(Scorer, "gaussian"), self.snapshot_every, "score_anomalies"))


class _Current:
    """The state of the bucket whose element is processed."""

    def __init__(self, subtask, which):
        self._subtask, self._which = subtask, which

    def __getattr__(self, name):
        return getattr(self._subtask.states[self._subtask.key][self._which], name)


def readings_of(devices, n, bucket=0):
    records = [
        Reading(
            device=f"pump-{device}", metric="flow", event_time=BEGIN + n * 10_000, value=float(np.sin(n + device)),
            position=Position(topic="telemetry.raw", partition=bucket, offset=100 * n + device, item=0, items=1),
        )
        for device in devices
    ]  # fmt: skip
    return gathered_readings([record.model_dump_json().encode() for record in records], 100 * n)


def processed(operator, subtask, frame, bucket=0):
    subtask.key = bucket
    rows = list(operator.process_element(frame, subtask))
    return [AnomalyScore.model_validate_json(record) for row in rows for _, record in scattered(row[1:])]


def alerts(operator, subtask, devices, start, end, bucket=0):
    """Of kind missing, while these devices send; a tick behind each reading."""
    found = []
    for n in range(start, end):
        if devices:
            processed(operator, subtask, readings_of(devices, n, bucket), bucket)
        found += processed(operator, subtask, TICK, bucket)
    return found


def test_a_device_that_sends_nothing_is_one_alert_of_kind_missing():
    subtask = Subtask()
    operator = subtask.started()
    assert alerts(operator, subtask, [0, 1, 2], 0, N) == []
    (alert,) = alerts(operator, subtask, [0, 2], N, N + 100)
    assert (alert.device, alert.metric, alert.kind, alert.is_anomaly) == ("pump-1", "flow", "missing", True)
    assert (alert.value, alert.score, alert.position, alert.detector) == (None, None, None, "clock")
    assert alert.episode == alert.event_time
    assert BEGIN + (N + 2) * 10_000 <= alert.event_time <= BEGIN + (N + 6) * 10_000
    assert alert.explanation.startswith("nothing for ")
    assert subtask.counters["series_missing"].count == 1


@pytest.mark.parametrize("restart_after", range(0, 12))
@pytest.mark.parametrize("snapshot_every", [1, 3, 50])
def test_a_restart_at_any_time_doubles_and_loses_no_alert(restart_after, snapshot_every):
    subtask = Subtask()
    subtask.snapshot_every = snapshot_every
    operator = subtask.started()
    alerts(operator, subtask, [0, 1, 2], 0, N)
    found = alerts(operator, subtask, [0, 2], N, N + restart_after)
    found += alerts(subtask.started(), subtask, [0, 2], N + restart_after, N + 30)
    assert [alert.device for alert in found] == ["pump-1"]


def test_a_tick_that_is_replayed_after_a_crash_makes_the_same_alert():
    subtask, told = Subtask(), []
    operator = subtask.started()
    alerts(operator, subtask, [0, 1, 2], 0, N)
    journal, pages = list(subtask.states[0][2].get()), dict(subtask.states[0][0].entries)
    for _ in range(2):
        told.append(alerts(subtask.started(), subtask, [0, 2], N, N + 10))
        subtask.states[0] = (MapInMemory(), ValueInMemory(), ListInMemory(journal))
        subtask.states[0][0].entries = dict(pages)
    assert told[0] == told[1]
    assert len(told[0]) == 1


def test_an_alert_is_in_the_journal_and_a_tick_without_one_is_not():
    subtask = Subtask()
    operator = subtask.started()
    alerts(operator, subtask, [0, 1, 2], 0, 190)
    before = len(list(subtask.states[0][2].get()))
    for _ in range(20):
        processed(operator, subtask, TICK)
    assert len(list(subtask.states[0][2].get())) == before
    alerts(operator, subtask, [0, 2], 190, 196)
    assert sum(map(is_missing, subtask.states[0][2].get())) == 1


def test_nothing_for_anybody_is_no_alert_however_long():
    subtask = Subtask(n_buckets=2)
    operator = subtask.started()
    for n in range(N):
        for bucket in range(2):
            alerts(operator, subtask, [bucket], n, n + 1, bucket)
    assert [alerts(operator, subtask, [], N, N + 1000, bucket) for bucket in range(2)] == [[], []]


def test_a_bucket_of_which_nothing_comes_is_judged_while_another_one_sends():
    subtask = Subtask(n_buckets=2)
    operator = subtask.started()
    for n in range(N):
        for bucket in range(2):
            alerts(operator, subtask, [bucket], n, n + 1, bucket)
    found = []
    for n in range(N, N + 20):
        found += alerts(operator, subtask, [], n, n + 1, 1)
        found += alerts(operator, subtask, [0], n, n + 1, 0)
    assert [alert.device for alert in found] == ["pump-1"]


def test_a_single_device_is_missing_although_nothing_else_could_come():
    subtask = Subtask()
    operator = subtask.started()
    alerts(operator, subtask, [0], 0, N)
    assert [alert.device for alert in alerts(operator, subtask, [], N, N + 50)] == ["pump-0"]


def test_a_backlog_after_a_stop_makes_no_device_missing():
    subtask = Subtask()
    alerts(subtask.started(), subtask, [0, 1, 2], 0, N)
    operator = subtask.started()
    assert processed(operator, subtask, TICK) == []
    for n in range(N + 5000, N + 5500):  # readings of half a day are lost
        processed(operator, subtask, readings_of([0, 1, 2], n))
    assert processed(operator, subtask, TICK) == []


def test_most_devices_falling_silent_together_are_counted_and_not_told():
    subtask = Subtask()
    operator = subtask.started()
    alerts(operator, subtask, range(30), 0, 50)
    assert alerts(operator, subtask, range(5), 50, 65) == []
    assert subtask.counters["missing_held_back"].count >= 25


def test_a_bucket_without_series_has_ticks_and_no_state():
    subtask = Subtask()
    operator = subtask.started()
    for _ in range(10):
        assert processed(operator, subtask, TICK) == []
    assert list(subtask.states[0][2].get()) == []
    assert subtask.states[0][0].entries == {}


def test_a_reading_that_comes_back_is_scored_as_ever():
    subtask, other = Subtask(), Scorer("gaussian")
    operator = subtask.started()
    for n in range(1000):
        processed(operator, subtask, readings_of([0], n))
        other.step(batch_of(n))
    assert len(alerts(operator, subtask, [], 1000, 1050)) == 1
    (score,) = processed(operator, subtask, readings_of([0], 1060))
    expected = other.step(batch_of(1060))
    assert (score.score, score.is_anomaly) == (expected.scores[0], bool(expected.is_anomaly[0]))
    assert score.position.offset == 100 * 1060


def batch_of(n):
    return Batch([("pump-0", "flow")], [BEGIN + n * 10_000], [float(np.sin(n))], [0], [100 * n], [0])
