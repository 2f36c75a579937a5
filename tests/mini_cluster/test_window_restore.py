"""window_telemetry, stopped with a savepoint and started from it: no reading is between windows and late ones."""

import pytest

from jobs.window_telemetry import CLOCK_TICKS, EVENT_TIME, WATERMARK, build
from schemas.topics import TELEMETRY_LATE, TELEMETRY_READINGS, TELEMETRY_WINDOWS
from tests.mini_cluster.file_tables import APPEND_TIME
from tests.mini_cluster.savepoints import OPTIONS, GrowingTables, run_until_written
from tests.raw_messages import NOW_MS

START = NOW_MS // 60_000 * 60_000

# The first is in windows that the second closes.
BEFORE = [START + 1_000, START + 100_000]
LATE = START + 2_000
# In the windows that are open at the savepoint, and what closes them.
AFTER = [START + 105_000, START + 300_000]


def row(event_time):
    position = {"topic": "telemetry.raw", "partition": 0, "offset": event_time - START, "item": 0, "items": 1}
    fields = {"device": "pump-1", "metric": "level", "event_time": event_time, "value": 1.0, "position": position}
    return {"schema_version": 1, "append_ms": event_time, **fields}


@pytest.fixture(scope="module")
def run(environment, tmp_path_factory):
    """Runs the job until it has written `n` records to these topics together; gives its topics and its savepoint.

    The readings come in files, each of which one subtask of the source reads.
    """

    def run(files, n, written=(TELEMETRY_WINDOWS,), **options):
        folder = tmp_path_factory.mktemp("window_telemetry")
        topics = GrowingTables(environment("window_telemetry", **OPTIONS, **options), folder)
        topics.source(TELEMETRY_READINGS, (), "`append_ms` BIGINT", APPEND_TIME, EVENT_TIME, WATERMARK)
        for event_times in files:
            topics.send(TELEMETRY_READINGS, map(row, event_times))
        topics.tables.execute_sql(CLOCK_TICKS)
        for topic in (TELEMETRY_WINDOWS, TELEMETRY_LATE):
            topics.sink(topic)
        return topics, run_until_written(topics, build(topics.tables), written, n)

    return run


@pytest.fixture(scope="module")
def savepoint(run):
    """With one window of each length closed and one open."""
    return run([BEFORE], n=2)[1]


@pytest.fixture(scope="module")
def topics(run, savepoint):
    """What was written after a restart with a late reading as the first thing."""
    return run([[LATE, *AFTER]], n=2, **{"execution.state-recovery.path": savepoint})[0]


def test_a_reading_late_by_the_watermark_of_before_a_restart_is_late_after_it(topics):
    (late,) = topics.records(TELEMETRY_LATE)
    assert (late.event_time, late.late_by_ms) == (LATE, BEFORE[-1] - 5_000 - LATE)


def test_windows_that_were_open_go_on_after_a_restart(topics):
    windows = {(window.window, window.window_start): window.count for window in topics.records(TELEMETRY_WINDOWS)}
    assert windows == {("10s", START + 100_000): 2, ("1m", START + 60_000): 2}


def test_every_subtask_goes_on_with_the_watermark_after_a_rescale(run, savepoint):
    options = {"execution.state-recovery.path": savepoint, "parallelism.default": "2"}
    topics, _ = run([[LATE], [LATE + 1]], n=2, written=(TELEMETRY_WINDOWS, TELEMETRY_LATE), **options)
    assert sorted(late.event_time for late in topics.records(TELEMETRY_LATE)) == [LATE, LATE + 1]
