"""Each job with Python in it, and a record that kills its worker: the job goes on, the record is a dead letter."""

import json

import pytest
import redis

from headrace.model_store.publishing import publish
from jobs import clean_telemetry, recommend_items, score_anomalies, score_churn, store_influxdb, store_redis
from jobs.operators import write_to_store
from jobs.settings import JobSettings
from payload_codecs.sparkplug_b.data_types import DOUBLE
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from schemas.presets import preset_fields
from schemas.reading import Reading
from schemas.record import Position
from schemas.source import Source
from schemas.topics import (
    CHURN_SCORES,
    CUSTOMERS,
    DEAD_LETTERS,
    INTERACTIONS,
    TELEMETRY_ANOMALIES,
    TELEMETRY_COMMANDS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_READINGS,
)
from tests.mini_cluster import killing_operators as killing
from tests.mini_cluster.changing_customers import key_file
from tests.mini_cluster.recommending import Door
from tests.mini_cluster.test_score_churn import exported, table_with_usage
from tests.raw_messages import NOW_MS, Message
from tests.redis_server import redis_server

N, POISONED = 60, 23
SETTINGS = JobSettings(micro_batch_ms=50, buckets=1)
PLANT = Source(**{**preset_fields("sparkplug-b"), "name": "plant"})


def name(number):
    return killing.POISON.decode() if number == POISONED else f"pump-{number % 3}"


def restarting(folder):
    return {
        "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "6",
        "restart-strategy.fixed-delay.delay": "0 s", "execution.checkpointing.interval": "1 s",
        "execution.checkpointing.dir": folder.as_uri(),
    }  # fmt: skip


@pytest.fixture
def topics(file_tables, tmp_path):
    return lambda job: file_tables(job, **restarting(tmp_path))


@pytest.fixture
def readings():
    return [
        Reading(
            device=name(number), metric="flow", event_time=NOW_MS + number, value=number % 7,
            position=Position(topic="telemetry.raw", partition=0, offset=number),
        )
        for number in range(N)
    ]  # fmt: skip


def quarantined(topics, stage):
    """The one dead letter."""
    (letter,) = topics.records(DEAD_LETTERS)
    assert (letter.reason, letter.stage, letter.position.offset) == ("quarantined", stage, POISONED)
    assert killing.POISON in letter.original
    return letter


OTHERS = [number for number in range(N) if number != POISONED]


def test_clean_telemetry_goes_on_without_a_message_on_which_its_worker_leaves(topics, monkeypatch):
    monkeypatch.setattr(clean_telemetry, "DecodeTelemetry", killing.LeavesDecoding)
    topics = topics("clean_telemetry")
    payloads = (json.dumps({"metric": "flow", "value": n, "ts": NOW_MS + n}).encode() for n in range(N))
    topics.raw_source([Message(payload, name(number)) for number, payload in enumerate(payloads)])
    for topic in (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_COMMANDS):
        topics.bytes_sink(topic)
    topics.bytes_sink(DEAD_LETTERS)
    topics.execute(clean_telemetry.build(topics.tables, SETTINGS), timeout_s=120)
    assert sorted(each.position.offset for each in topics.records(TELEMETRY_READINGS)) == OTHERS
    (letter,) = topics.records(DEAD_LETTERS)
    assert (letter.reason, letter.device, letter.position.offset) == ("quarantined", name(POISONED), POISONED)
    assert "ended without an exception" in letter.detail


def sparkplug(number):
    """Three edge nodes in turn: a birth each, then data by alias."""
    seq, node = divmod(number, 3)
    payload = Payload(timestamp=NOW_MS + number, seq=seq)
    if seq == 0:
        payload.metrics.add(name="flow", alias=1, datatype=DOUBLE, double_value=number)
    else:
        payload.metrics.add(alias=1, double_value=number)
    if number == POISONED:
        payload.metrics.add(name="note", string_value=killing.POISON.decode())
    topic = f"spBv1.0/plant/{'NDATA' if seq else 'NBIRTH'}/press-{node}"
    return Message(
        payload.SerializeToString(), f"plant/press-{node}", {"source": b"plant", "mqtt_topic": topic.encode()}
    )


def test_clean_telemetry_keeps_the_sessions_of_other_devices_when_a_message_kills_their_worker(topics, monkeypatch):
    monkeypatch.setattr(clean_telemetry, "DecodeSessions", killing.SegfaultsDecodingSessions)
    topics = topics("clean_telemetry")
    topics.raw_source([sparkplug(number) for number in range(N)])
    for topic in (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_COMMANDS, DEAD_LETTERS):
        topics.bytes_sink(topic)
    topics.execute(clean_telemetry.build(topics.tables, SETTINGS, [PLANT]), timeout_s=120)
    # Without the message that was set aside, the aliases of its node are uncertain until the next birth.
    uncertain = [number for number in OTHERS if number > POISONED and number % 3 == POISONED % 3]
    readings = [each for each in topics.records(TELEMETRY_READINGS) if each.metric == "flow"]
    assert sorted(each.position.offset for each in readings) == sorted({*OTHERS} - {*uncertain})
    assert all(each.value == each.position.offset for each in readings)
    letters = {each.position.offset: each.reason for each in topics.records(DEAD_LETTERS)}
    assert letters == {POISONED: "quarantined"} | dict.fromkeys(uncertain, "unknown_metric")
    (command,) = topics.records(TELEMETRY_COMMANDS)
    assert command.topic == f"spBv1.0/plant/NCMD/press-{POISONED % 3}"


@pytest.mark.parametrize("operator", [killing.SegfaultsScoring, killing.RaisesScoring])
def test_score_anomalies_goes_on_without_a_reading_that_fails_its_scorer(topics, readings, monkeypatch, operator):
    monkeypatch.setattr(score_anomalies, "ScoreFleet", operator)
    topics = topics("score_anomalies")
    topics.bytes_source("inputs", TELEMETRY_READINGS, readings)
    topics.bytes_sink(TELEMETRY_ANOMALIES)
    topics.bytes_sink(DEAD_LETTERS)
    topics.execute(score_anomalies.build(topics.tables, SETTINGS), timeout_s=120)
    assert sorted(each.position.offset for each in topics.records(TELEMETRY_ANOMALIES)) == OTHERS
    assert quarantined(topics, "score_anomalies").device == name(POISONED)


@pytest.mark.parametrize("store", ["redis", "influxdb"])
def test_a_store_goes_on_without_a_record_for_which_its_worker_is_killed(topics, readings, monkeypatch, store):
    job = {"redis": store_redis, "influxdb": store_influxdb}[store]
    monkeypatch.setattr(write_to_store, "WriteToStore", killing.KilledWriting)
    monkeypatch.setattr(job, "connect", killing.takes_all)
    topics = topics(f"store_{store}")
    records = [(TELEMETRY_READINGS, each.device, each.model_dump_json().encode()) for each in readings]
    topics.records_source("records", records)
    folder = topics.folder / "stored"
    sink = f"'connector' = 'filesystem', 'path' = '{folder}', 'format' = 'json'"
    topics.tables.execute_sql(f"CREATE TEMPORARY TABLE stored_in_{store} (`offset` BIGINT) WITH ({sink})")
    topics.sink(DEAD_LETTERS)
    if store == "redis":
        statements = job.build(topics.tables)
    else:
        monkeypatch.setattr(job, "points", killing.plain_rows)
        topics.tables.create_temporary_view(
            "committed_records", topics.tables.sql_query("SELECT * FROM records WHERE FALSE")
        )
        statements = job.build(topics.tables, "nowhere")
    topics.execute(statements, timeout_s=120)
    files = [path for path in folder.rglob("part-*") if path.is_file()]
    stored = [json.loads(line)["offset"] for path in files for line in path.read_text().splitlines()]
    assert sorted(stored) == OTHERS
    quarantined(topics, f"store_{store}")


def test_recommend_items_goes_on_without_an_interaction_on_which_its_worker_leaves(topics, monkeypatch, tmp_path):
    monkeypatch.setattr(recommend_items, "RecommendLive", killing.LeavesRecommending)
    monkeypatch.setattr(recommend_items, "models", lambda: tmp_path / "models")
    topics = topics("recommend_items")
    values = [{"user": name(n), "item": f"i{n}", "action": "view", "event_time": NOW_MS + n} for n in range(N)]
    records = [(INTERACTIONS, value["user"], json.dumps(value).encode()) for value in values]
    append_time = f"`append_time` AS TO_TIMESTAMP_LTZ({NOW_MS} + `offset`, 3)"
    topics.records_source("records", records, append_time)
    topics.bytes_sink(DEAD_LETTERS)
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as port:
        monkeypatch.setattr(recommend_items, "connect", Door(port, 0))
        topics.execute(recommend_items.build(topics.tables, SETTINGS), timeout_s=120)
        lists = {key.decode() for key in redis.Redis(port=port).scan_iter("recommendations:*")}
    assert lists == {f"recommendations:pump-{n}" for n in range(3)}
    quarantined(topics, "recommend_items")


def test_score_churn_goes_on_without_a_row_on_which_its_worker_segfaults(topics, monkeypatch, tmp_path):
    publish(tmp_path / "models", exported(tmp_path / "made", table_with_usage()).folder, "made")
    monkeypatch.setattr(score_churn, "ScoreCustomers", killing.SegfaultsScoringCustomers)
    monkeypatch.setattr(score_churn, "models", lambda: tmp_path / "models")
    topics = topics("score_churn")
    rows = (
        {"__source_ts_ms": NOW_MS + n, "contract": "month", "months": n, "bill": n / 10, "note": name(n)}
        for n in range(N)
    )
    topics.records_source("records", [(CUSTOMERS, str(n), json.dumps(row).encode()) for n, row in enumerate(rows)])
    topics.bytes_sink(CHURN_SCORES)
    topics.bytes_sink(DEAD_LETTERS)
    topics.execute(score_churn.build(topics.tables, SETTINGS, key_file(tmp_path)), timeout_s=120)
    assert sorted(each.position.offset for each in topics.records(CHURN_SCORES)) == OTHERS
    assert quarantined(topics, "score_churn").device == str(POISONED)
