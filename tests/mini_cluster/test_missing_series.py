"""score_anomalies with ticks of a real clock: a device that falls silent is one alert, also through a crash."""

import pytest

from jobs.score_anomalies import build
from jobs.settings import JobSettings
from schemas.topics import DEAD_LETTERS, TELEMETRY_ANOMALIES
from tests.mini_cluster.test_score_anomalies import IDS, fails_once

SETTINGS = JobSettings(detector="gaussian", buckets=1, micro_batch_ms=50, snapshot_every=7)
TICK_MS = 200
READINGS, SILENT_FROM, DEVICES = 1500, 450, 3
BEGIN_MS = 1_764_000_000_000

INPUTS_VIEW = """CREATE TEMPORARY VIEW inputs AS
SELECT
  'telemetry.readings' AS topic,
  'pump-' || CAST(MOD(id, {devices}) AS STRING) AS device,
  ENCODE(
    '{{"device":"pump-' || CAST(MOD(id, {devices}) AS STRING) || '","metric":"flow","event_time":' ||
    CAST({begin} + id * 20000 AS STRING) || ',"value":' || CAST(CAST(MOD(id * 7919, 1009) AS DOUBLE) AS STRING) ||
    ',"position":{{"topic":"telemetry.raw","partition":0,"offset":' || CAST(id AS STRING) || ',"item":0,"items":1}}}}',
    'UTF-8'
  ) AS record,
  0 AS `partition`, id AS `offset`
FROM ({ids}) WHERE id < {silent_from} OR MOD(id, {devices}) <> 2"""


def scores(topics, ids, rate):
    topics.tables.execute_sql(IDS.format(rate=rate, last=READINGS - 1))
    view = INPUTS_VIEW.format(devices=DEVICES, ids=ids, begin=BEGIN_MS, silent_from=SILENT_FROM)
    topics.tables.execute_sql(view)
    topics.bytes_sink(TELEMETRY_ANOMALIES)
    topics.bytes_sink(DEAD_LETTERS)
    topics.execute(build(topics.tables, SETTINGS, TICK_MS), timeout_s=120)
    return topics.records(TELEMETRY_ANOMALIES)


@pytest.fixture(scope="module")
def calm(file_tables):
    return scores(file_tables("score_anomalies"), "SELECT id FROM ids", rate=400)


@pytest.fixture(scope="module")
def crashed(file_tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    topics = file_tables("score_anomalies", **{
        "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "0 s", "execution.checkpointing.interval": "1 s",
        "execution.checkpointing.dir": folder.as_uri(),
    })  # fmt: skip
    topics.tables.create_temporary_function("fails_once", fails_once(folder / "marker", folder))
    found = scores(topics, "SELECT fails_once(id) AS id FROM ids", rate=150)
    assert (folder / "marker").exists(), "the job ended before it could crash"
    return found


every_run = pytest.mark.parametrize("run", ["calm", "crashed"])


@every_run
def test_the_device_that_falls_silent_is_one_alert(request, run):
    missing = [score for score in request.getfixturevalue(run) if score.kind == "missing"]
    assert [(score.device, score.value, score.position) for score in missing] == [("pump-2", None, None)]
    last = BEGIN_MS + (SILENT_FROM - 1) * 20_000
    assert last < missing[0].event_time < last + 3_600_000


@every_run
def test_every_reading_has_its_score_beside_the_alerts(request, run):
    offsets = sorted(score.position.offset for score in request.getfixturevalue(run) if score.position)
    assert offsets == [n for n in range(READINGS) if n < SILENT_FROM or n % DEVICES != 2]
