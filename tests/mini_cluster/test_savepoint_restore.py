"""A job stopped with a savepoint and started from it goes on as if it had never been stopped.

Also from the savepoints of earlier releases, in tests/data/savepoints. `HEADRACE_STORE_SAVEPOINTS=1 pytest` of this
file stores those of the present version; CONTRIBUTING.md says when.
"""

import os
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from jobs import clean_telemetry, score_anomalies
from jobs.settings import JobSettings
from jobs.tables import PROCESSING_TIME
from models.detectors import NO_EPISODE, Scorer
from schemas.reading import Reading
from schemas.record import Position
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_ANOMALIES,
    TELEMETRY_DUPLICATES,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
)
from tests.mini_cluster.file_tables import RAW_COLUMNS, Message
from tests.mini_cluster.savepoints import OPTIONS, GrowingTables, run_until_written
from tests.state_files import N_SNAPSHOT, readings

STORED = Path(__file__).parents[1] / "data" / "savepoints"
ORIGINS = ["taken just now", *(path.name for path in sorted(STORED.glob("*")))]
"""Where a savepoint comes from: the version of the code that took it."""

SETTINGS = JobSettings(detector="gaussian", buckets=2, micro_batch_ms=50, snapshot_every=7)
N_SCORED = N_SNAPSHOT + 600


class Cleaning:
    """What was read before the savepoint comes again after it."""

    job = "clean_telemetry"
    writes_bytes = False
    sinks = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, DEAD_LETTERS)
    before = tuple(b'{"metric":"flow","value":%d,"ts":1764000000%03d}' % (n, n) for n in range(5))
    after = (
        before[0],
        before[0],
        before[1].replace(b'"value":1', b'"value":99'),
        b'{"metric":"flow","value":5,"ts":1764000000005}',
    )

    def build(self, topics, payloads, offset):
        rows = [Message(payload).row(offset + n) for n, payload in enumerate(payloads)]
        topics._source(TELEMETRY_RAW, RAW_COLUMNS, rows)
        return clean_telemetry.build(topics.tables)

    def past(self, topics):
        return self.build(topics, self.before, 0)

    def future(self, topics):
        return self.build(topics, self.after, len(self.before))

    n_before, n_after = len(before), len(after)


class Scoring:
    """Detectors that have learned before the savepoint."""

    job = "score_anomalies"
    writes_bytes = True
    sinks = (TELEMETRY_ANOMALIES,)

    def build(self, topics, start, end):
        batch = readings(start, end)
        columns = (batch.keys, batch.event_times.tolist(), batch.values.tolist(), batch.offsets.tolist())
        records = (
            Reading(
                device=device, metric=metric, event_time=event_time, value=value,
                position=Position(topic="telemetry.raw", partition=0, offset=offset),
            )
            for (device, metric), event_time, value, offset in zip(*columns, strict=True)
        )  # fmt: skip
        topics.bytes_source("readings", TELEMETRY_READINGS, records, PROCESSING_TIME)
        return score_anomalies.build(topics.tables, SETTINGS)

    def past(self, topics):
        return self.build(topics, 0, N_SNAPSHOT)

    def future(self, topics):
        return self.build(topics, N_SNAPSHOT, N_SCORED)

    n_before, n_after = N_SNAPSHOT, N_SCORED - N_SNAPSHOT


@pytest.fixture(scope="module")
def run(environment, tmp_path_factory):
    """Runs a job until it has written `n` records, stops it with a savepoint; gives its topics and the savepoint."""

    def run(flow, statements_of, n, **options):
        folder = tmp_path_factory.mktemp(flow.job)
        topics = GrowingTables(environment(flow.job, **OPTIONS, **options), folder)
        for topic in flow.sinks:
            (topics.bytes_sink if flow.writes_bytes else topics.sink)(topic)
        return topics, run_until_written(topics, statements_of(topics), flow.sinks, n)

    return run


@pytest.fixture(scope="module")
def taken_just_now(run):
    """Job -> a savepoint of the present code that has seen the past."""
    paths = {}
    for flow in (Cleaning(), Scoring()):
        _, path = run(flow, flow.past, flow.n_before)
        paths[flow.job] = path
        if os.environ.get("HEADRACE_STORE_SAVEPOINTS"):
            shutil.copytree(path.removeprefix("file:"), STORED / version("headrace") / flow.job, dirs_exist_ok=True)
    return paths


@pytest.fixture(params=ORIGINS)
def restored(request, run, taken_just_now):
    """Runs the future of a job from its savepoint; gives its topics."""

    def restored(flow):
        stored = (STORED / request.param / flow.job).as_uri()
        savepoint = taken_just_now[flow.job] if request.param == ORIGINS[0] else stored
        topics, _ = run(flow, flow.future, flow.n_after, **{"execution.state-recovery.path": savepoint})
        return topics

    return restored


def test_the_cleaning_remembers_how_often_a_reading_came_and_what_its_value_was(restored):
    topics = restored(Cleaning())

    assert [(copy.value, copy.occurrence) for copy in topics.records(TELEMETRY_DUPLICATES)] == [(0.0, 2), (0.0, 3)]
    assert [letter.reason.value for letter in topics.records(DEAD_LETTERS)] == ["conflicting_duplicate"]
    assert [reading.value for reading in topics.records(TELEMETRY_READINGS)] == [5.0]


def test_the_scores_go_on_exactly(restored):
    unbroken = Scorer(SETTINGS.detector)
    unbroken.step(readings(0, N_SNAPSHOT))
    scored = unbroken.step(readings(N_SNAPSHOT, N_SCORED))
    episodes = [None if episode == NO_EPISODE else episode for episode in scored.episodes.tolist()]
    columns = (scored.scores.tolist(), scored.thresholds.tolist(), scored.is_anomaly.tolist(), episodes)
    expected = dict(zip(range(N_SNAPSHOT, N_SCORED), zip(*columns, strict=True), strict=True))

    scores = restored(Scoring()).records(TELEMETRY_ANOMALIES)

    said = {each.position.offset: (each.score, each.threshold, each.is_anomaly, each.episode) for each in scores}
    assert said == expected
    assert len(scores) == len(expected)
