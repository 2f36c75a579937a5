"""score_anomalies: the same scores as the Scorer alone, also through a crash."""

import math
from pathlib import Path

import numpy as np
import pytest
from pyflink.table.udf import udf

from jobs.score_anomalies import build
from jobs.settings import JobSettings
from models.detectors import NO_EPISODE, Batch, Scorer
from models.detectors.verdicts import STEP
from schemas.topics import DEAD_LETTERS, TELEMETRY_ANOMALIES

SETTINGS = JobSettings(detector="gaussian", alerts_per_week=1000, buckets=2, micro_batch_ms=50, snapshot_every=7)
READINGS, AGAIN, DEVICES = 1500, 100, 3

IDS = """CREATE TEMPORARY TABLE ids (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '{rate}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{last}')"""

# From {again} on the first readings come once more, as they do after an aborted transaction.
INPUTS_VIEW = """CREATE TEMPORARY VIEW inputs AS
SELECT
  'telemetry.readings' AS topic,
  'pump-' || CAST(MOD(n, {devices}) AS STRING) AS device,
  ENCODE(
    '{{"device":"pump-' || CAST(MOD(n, {devices}) AS STRING) || '","metric":"flow","event_time":' ||
    CAST(1764000000000 + n * 60000 AS STRING) || ',"value":' ||
    CAST(
      CAST(MOD(n * 7919, 1009) AS DOUBLE) / 100 + CASE WHEN n > 1100 AND MOD(n, 101) = 89 THEN 500 ELSE 0 END AS STRING
    ) ||
    ',"position":{{"topic":"telemetry.raw","partition":0,"offset":' || CAST(n AS STRING) || ',"item":0,"items":1}}}}',
    'UTF-8'
  ) AS record,
  0 AS `partition`, id AS `offset`
FROM (SELECT id, CASE WHEN id < {again} THEN id ELSE id - {again} END AS n FROM ({ids}))"""


def value(n):
    return n * 7919 % 1009 / 100 + (500 if n > 1100 and n % 101 == 89 else 0)


def fails_once(marker: Path, checkpoints: Path):
    """A stage that hands ids on, and raises once: as soon as there are two checkpoints to come back to."""

    def hand_on(number: int) -> int:
        if not marker.exists() and len(list(checkpoints.glob("*/chk-*/_metadata"))) >= 1 and number > 300:
            marker.write_text(str(number))
            raise RuntimeError("the crash of this test")
        return number

    return udf(hand_on, result_type="BIGINT")


class Scored:
    """One run of the job over `READINGS` readings, of which the first `AGAIN` come again at the end."""

    def __init__(self, topics, ids, rate):
        end = READINGS + AGAIN
        topics.tables.execute_sql(IDS.format(rate=rate, last=end - 1))
        view = INPUTS_VIEW.format(again=READINGS, devices=DEVICES, ids=ids)
        topics.tables.execute_sql(view)
        topics.bytes_sink(TELEMETRY_ANOMALIES)
        topics.bytes_sink(DEAD_LETTERS)
        topics.execute(build(topics.tables, SETTINGS), timeout_s=120)
        self.scores = topics.records(TELEMETRY_ANOMALIES)


@pytest.fixture(scope="module")
def calm(file_tables):
    return Scored(file_tables("score_anomalies"), "SELECT id FROM ids", rate=500)


@pytest.fixture(scope="module")
def crashed(file_tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    topics = file_tables("score_anomalies", **{
        "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "0 s", "execution.checkpointing.interval": "1 s",
        "execution.checkpointing.dir": folder.as_uri(),
    })  # fmt: skip
    topics.tables.create_temporary_function("fails_once", fails_once(folder / "marker", folder))
    scored = Scored(topics, "SELECT fails_once(id) AS id FROM ids", rate=150)
    assert (folder / "marker").exists(), "the job ended before it could crash"
    return scored


@pytest.fixture(scope="module")
def alone():
    """What the Scorer says of the same readings without Flink, by offset."""
    numbers = range(READINGS)
    keys = [(f"pump-{n % DEVICES}", "flow") for n in numbers]
    times, values = [1_764_000_000_000 + n * 60_000 for n in numbers], [value(n) for n in numbers]
    nothing = [0] * READINGS
    scorer = Scorer(SETTINGS.detector, alerts_per_week=SETTINGS.alerts_per_week)
    scored = scorer.step(Batch(keys, times, values, nothing, list(numbers), nothing))
    columns = (scored.index, scored.scores, scored.thresholds, scored.is_anomaly, scored.episodes)
    rows = zip(*(np.where(np.isnan(column), None, column).tolist() for column in columns), strict=True)
    return {offset: said for offset, *said in rows}


DISMISSED, DISMISSED_AT = 1200, 1290
"""The reading whose alert an operator dismisses, and the one in whose place the verdict comes."""

VERDICT_VIEW = """CREATE TEMPORARY VIEW inputs AS
SELECT
  CASE WHEN `offset` = {at} THEN 'telemetry.verdicts' ELSE topic END AS topic,
  device,
  CASE WHEN `offset` = {at} THEN ENCODE(
    '{{"device":"pump-{n}","metric":"flow","episode":{episode},"verdict":"dismissed","decided_at":1764000000000}}',
    'UTF-8'
  ) ELSE record END AS record,
  `partition`, `offset`
FROM readings"""


def test_a_dismissed_alert_raises_the_threshold_of_its_series_from_then_on(file_tables):
    topics = file_tables("score_anomalies")
    topics.tables.execute_sql(IDS.format(rate=100, last=READINGS - 1))
    view = INPUTS_VIEW.replace("VIEW inputs", "VIEW readings")
    topics.tables.execute_sql(view.format(again=READINGS, devices=DEVICES, ids="SELECT id FROM ids"))
    episode, of_device = 1_764_000_000_000 + DISMISSED * 60_000, DISMISSED % DEVICES
    topics.tables.execute_sql(VERDICT_VIEW.format(n=of_device, episode=episode, at=DISMISSED_AT))
    topics.bytes_sink(TELEMETRY_ANOMALIES)
    topics.bytes_sink(DEAD_LETTERS)
    topics.execute(build(topics.tables, SETTINGS), timeout_s=120)
    scores = topics.records(TELEMETRY_ANOMALIES)
    raised = {score.position.offset: score.threshold_raise for score in scores if score.threshold_raise is not None}
    assert {offset % DEVICES for offset in raised} == {of_device}
    assert min(raised) > DISMISSED
    assert all(factor == pytest.approx(math.exp(STEP), rel=1e-3) for factor in raised.values())
    assert {n for n in range(min(raised), READINGS) if n % DEVICES == of_device} == set(raised)


every_run = pytest.mark.parametrize("run", ["calm", "crashed"])


@every_run
def test_the_scores_are_those_of_the_scorer_alone(request, run, alone):
    for score in request.getfixturevalue(run).scores:
        said = [score.score, score.threshold, score.is_anomaly, NO_EPISODE if score.episode is None else score.episode]
        assert said == alone[score.position.offset], score


@every_run
def test_every_reading_is_scored_once_and_those_that_come_again_not_at_all(request, run):
    offsets = [score.position.offset for score in request.getfixturevalue(run).scores]
    assert sorted(offsets) == list(range(READINGS))


@every_run
def test_a_score_carries_its_reading(request, run):
    for score in request.getfixturevalue(run).scores:
        n = score.position.offset
        assert (score.device, score.metric, score.event_time) == (
            f"pump-{n % DEVICES}",
            "flow",
            1_764_000_000_000 + n * 60_000,
        )
        assert (score.value, score.detector, score.detector_version) == (
            value(n),
            "gaussian",
            Scorer("gaussian").detector_version,
        )


def test_what_is_far_off_is_flagged_and_begins_an_episode(calm):
    alerts = {score.position.offset for score in calm.scores if score.episode == score.event_time}
    assert alerts >= {n for n in range(READINGS) if value(n) > 100}
    assert all(score.is_anomaly == (score.episode is not None) for score in calm.scores)
