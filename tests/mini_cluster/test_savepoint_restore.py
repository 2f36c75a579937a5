"""A job stopped with a savepoint and started from it goes on as if it had never been stopped.

Also from the savepoints of earlier releases, in tests/data/savepoints. `HEADRACE_STORE_SAVEPOINTS=1 pytest` of this
file stores those of the present version; CONTRIBUTING.md says when.
"""

import base64
import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import redis

from jobs import clean_telemetry, measure_recommendations, recommend_items, score_anomalies
from jobs.settings import JobSettings
from jobs.tables import PROCESSING_TIME
from models.detectors import NO_EPISODE, Scorer
from models.recommend.online.recommender import LiveRecommender
from payload_codecs.sparkplug_b.data_types import DOUBLE
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from schemas.presets import preset_fields
from schemas.reading import Reading
from schemas.record import Position
from schemas.source import Source
from schemas.topics import (
    DEAD_LETTERS,
    EXPOSURES,
    INTERACTIONS,
    RECOMMENDATIONS_FEEDBACK,
    TELEMETRY_ANOMALIES,
    TELEMETRY_COMMANDS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
)
from tests.mini_cluster import recommending
from tests.mini_cluster.file_tables import RAW_COLUMNS, raw_row
from tests.mini_cluster.savepoints import OPTIONS, GrowingTables, run_until_written
from tests.raw_messages import NOW_MS, Message
from tests.redis_server import redis_server
from tests.state_files import N_SNAPSHOT, readings
from tests.unit.models.recommend.live_batches import Sent, Shop

STORED = Path(__file__).parents[1] / "data" / "savepoints"
JUST_NOW = "taken just now"

SETTINGS = JobSettings(detector="gaussian", buckets=2, micro_batch_ms=50, snapshot_every=7)
N_SCORED = N_SNAPSHOT + 600


PLANT = Source(**{**preset_fields("sparkplug-b"), "name": "plant"})


CHANGED = [
    Source(
        **{
            **preset_fields("sparkplug-b"),
            "name": "tanks",
            "topic": "spBv1.0/tanks/{type}/{node}/#",
            "device": "{node}",
        }
    ),
    PLANT.model_copy(update={"rename": {"torque": "Torque"}}),
]
"""The sources after `headrace source apply`."""


def _sparkplug(kind, seq, group="hall", source=b"plant", **metric):
    """A message of an edge node with one metric."""
    payload = Payload(timestamp=NOW_MS + seq, seq=seq)
    payload.metrics.add(**metric)
    headers = {"source": source, "mqtt_topic": f"spBv1.0/{group}/{kind}/press".encode()}
    return Message(payload.SerializeToString(), f"{group}/press", headers)


class Cleaning:
    """What was read before the savepoint comes again after it, and data refer to a birth before it."""

    job = "clean_telemetry"
    writes_bytes = True
    sinks = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_COMMANDS, DEAD_LETTERS)
    birth = _sparkplug("NBIRTH", 0, name="torque", alias=7, datatype=DOUBLE, double_value=7.0)
    data = _sparkplug("NDATA", 1, alias=7, double_value=7.5)
    of_an_unknown_session = _sparkplug("NDATA", 1, "tanks", b"tanks", alias=7, double_value=1.0)
    before = tuple(b'{"metric":"flow","value":%d,"ts":1764000000%03d}' % (n, n) for n in range(5))
    after = (
        before[0],
        before[0],
        before[1].replace(b'"value":1', b'"value":99'),
        b'{"metric":"flow","value":5,"ts":1764000000005}',
    )

    def build(self, topics, payloads, session, offset, sources):
        messages = [*map(Message, payloads), *session]
        topics._source(TELEMETRY_RAW, RAW_COLUMNS, [raw_row(each, offset + n) for n, each in enumerate(messages)])
        return clean_telemetry.build(topics.tables, SETTINGS, sources)

    def past(self, topics):
        return self.build(topics, self.before, [self.birth], 0, [PLANT])

    def future(self, topics):
        session = [self.data, self.of_an_unknown_session]
        return self.build(topics, self.after, session, len(self.before) + 1, CHANGED)

    n_before, n_after = len(before) + 2, len(after) + 3


class Scoring:
    """Detectors that have learned before the savepoint."""

    job = "score_anomalies"
    writes_bytes = True
    sinks = (TELEMETRY_ANOMALIES, DEAD_LETTERS)

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
        topics.bytes_source("inputs", TELEMETRY_READINGS, records)
        return score_anomalies.build(topics.tables, SETTINGS)

    def past(self, topics):
        return self.build(topics, 0, N_SNAPSHOT)

    def future(self, topics):
        return self.build(topics, N_SNAPSHOT, N_SCORED)

    n_before, n_after = N_SNAPSHOT, N_SCORED - N_SNAPSHOT


class Recommending:
    """Users and items that were learned before the savepoint. A letter tells that all before it were learned too."""

    job = "recommend_items"
    writes_bytes = True
    sinks = (DEAD_LETTERS,)
    n_known, last = max(recommending.BAD) + 1, recommending.RECORDS + recommending.AGAIN

    def __init__(self, port, models):
        self.port, self.models = port, models

    def records(self, start, end):
        numbers = range(start, end)
        return [
            Sent(b"{" if n == self.last else recommending.sent(n), recommending.topic(n), "k", NOW_MS + 10 * n)
            for n in numbers
        ]

    def build(self, topics, database, start, end):
        rows = [
            {"device": each.key, "record": base64.b64encode(each.value).decode(), "topic": each.topic}
            | {"partition": 0, "offset": start + n, "append_ms": each.appended_ms}
            for n, each in enumerate(self.records(start, end))
        ]
        body = """`device` STRING, `record` BYTES, `topic` STRING, `partition` INT, `offset` BIGINT, `append_ms` BIGINT,
          `append_time` AS TO_TIMESTAMP_LTZ(`append_ms`, 3)"""
        topics._source(INTERACTIONS, body, rows, "records")
        models = self.models  # the worker must not be sent this module
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recommend_items, "connect", recommending.Door(self.port, database))
            patch.setattr(recommend_items, "models", lambda: models)
            return recommend_items.build(topics.tables, JobSettings(micro_batch_ms=50, recommend_shards=2))

    def past(self, topics):
        return self.build(topics, 0, 0, self.n_known)

    def future(self, topics):
        """Into a database that has nothing of before."""
        with redis.Redis(port=self.port, db=1) as client:
            client.flushdb()
        return self.build(topics, 1, self.n_known, self.last + 1)

    n_before, n_after = len(recommending.BAD), 1


class Measuring:
    """A list that was shown before the savepoint, and what a user did with it afterwards."""

    job = "measure_recommendations"
    writes_bytes = False
    sinks = (RECOMMENDATIONS_FEEDBACK,)
    shown = (
        {"exposure_id": "x", "user": "ann", "items": ["a", "b"], "model_version": "v1", "source": "personal"}
        | {"arm": "lists/treatment", "event_time": NOW_MS},
    )  # fmt: skip
    bought = ({"exposure_id": "x", "user": "ann", "item": "b", "action": "buy", "event_time": NOW_MS},)

    def build(self, topics, shown, bought):
        topics.source(EXPOSURES, shown, PROCESSING_TIME)
        topics.source(INTERACTIONS, bought, PROCESSING_TIME)
        return measure_recommendations.build(topics.tables, JobSettings(measured_every_s=1))

    def past(self, topics):
        return self.build(topics, self.shown, ())

    def future(self, topics):
        return self.build(topics, (), self.bought)

    n_before = n_after = 1


STORABLE = (Cleaning, Scoring, Recommending)
"""Not Measuring: by the clock, a list of the day of a release is answered no more."""


def origins(*flows):
    """Where the savepoint of a flow comes from: the code as it is, or the version whose savepoint is stored."""
    return pytest.mark.parametrize(
        ("flow", "origin"),
        [
            pytest.param(flow.job, origin, id=f"{flow.job}, {origin}")
            for flow in flows
            for origin in (JUST_NOW, *(path.parent.name for path in sorted(STORED.glob(f"*/{flow.job}"))))
        ],
    )


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="module")
def flows(port, tmp_path_factory):
    """By job."""
    recommend = Recommending(port, tmp_path_factory.mktemp("models"))
    return {each.job: each for each in (Cleaning(), Scoring(), recommend, Measuring())}


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
def taken_just_now(run, flows):
    """Job -> a savepoint of the present code that has seen the past; each taken once."""
    paths = {}

    def taken(job):
        if job not in paths:
            flow = flows[job]
            _, paths[job] = run(flow, flow.past, flow.n_before)
            if os.environ.get("HEADRACE_STORE_SAVEPOINTS") and type(flow) in STORABLE:
                shutil.copytree(
                    paths[job].removeprefix("file:"), STORED / version("headrace") / job, dirs_exist_ok=True
                )
        return paths[job]

    return taken


@pytest.fixture
def restored(flow, origin, run, flows, taken_just_now):
    """The topics of the future of a job, run from its savepoint."""
    savepoint = taken_just_now(flow) if origin == JUST_NOW else (STORED / origin / flow).as_uri()
    future = flows[flow]
    topics, _ = run(future, future.future, future.n_after, **{"execution.state-recovery.path": savepoint})
    return topics


@origins(Cleaning)
def test_the_cleaning_remembers_how_often_a_reading_came_and_what_its_value_was(restored):
    assert [(copy.value, copy.occurrence) for copy in restored.records(TELEMETRY_DUPLICATES)] == [(0.0, 2), (0.0, 3)]
    reasons = [letter.reason.value for letter in restored.records(DEAD_LETTERS) if letter.device != "tanks/press"]
    assert reasons == ["conflicting_duplicate"]


@origins(Cleaning)
def test_a_sparkplug_session_goes_on_with_changed_sources_and_an_unknown_one_is_asked_for_its_births(restored):
    readings = {(reading.device, reading.metric): reading.value for reading in restored.records(TELEMETRY_READINGS)}
    assert readings == {("pump-1", "flow"): 5.0, ("hall/press", "Torque"): 7.5}
    (letter,) = (letter for letter in restored.records(DEAD_LETTERS) if letter.device == "tanks/press")
    assert letter.reason == "unknown_metric"
    (command,) = restored.records(TELEMETRY_COMMANDS)
    assert (command.source, command.topic) == ("tanks", "spBv1.0/tanks/NCMD/press")


@origins(Scoring)
def test_the_scores_go_on_exactly(restored):
    unbroken = Scorer(SETTINGS.detector)
    unbroken.step(readings(0, N_SNAPSHOT))
    scored = unbroken.step(readings(N_SNAPSHOT, N_SCORED))
    episodes = [None if episode == NO_EPISODE else episode for episode in scored.episodes.tolist()]
    numbers = (np.where(np.isnan(column), None, column).tolist() for column in (scored.scores, scored.thresholds))
    columns = (*numbers, scored.is_anomaly.tolist(), episodes)
    expected = dict(zip(range(N_SNAPSHOT, N_SCORED), zip(*columns, strict=True), strict=True))

    scores = restored.records(TELEMETRY_ANOMALIES)

    said = {each.position.offset: (each.score, each.threshold, each.is_anomaly, each.episode) for each in scores}
    assert said == expected
    assert len(scores) == len(expected)


@origins(Recommending)
def test_the_lists_go_on_as_if_all_had_been_learned_at_once(restored, port):
    alone = Shop(LiveRecommender())
    alone.step(*Recommending(port, None).records(0, Recommending.last + 1))

    with redis.Redis(port=port, db=1, decode_responses=True) as client:
        keys = client.scan_iter(match="recommendations:*")
        lists = {key.partition(":")[2]: json.loads(client.get(key)) for key in keys}
        withdrawn = client.smembers("items:withdrawn")

    assert lists == alone.lists()
    assert withdrawn == alone.live.withdrawn
    assert [letter.position.offset for letter in restored.records(DEAD_LETTERS)] == [Recommending.last]


@origins(Measuring)
def test_what_a_user_does_answers_a_list_that_was_shown_before(restored):
    (found,) = restored.records(RECOMMENDATIONS_FEEDBACK)
    assert (found.action, found.events, found.mean_reciprocal_rank) == ("buy", 1, 0.5)
    assert (found.model_version, found.arm) == ("v1", "lists/treatment")
