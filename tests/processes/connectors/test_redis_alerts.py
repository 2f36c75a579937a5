"""Alerts and verdicts as they come from the topics, read back from a real Redis."""

import asyncio

import pytest
import redis
import redis.asyncio

from connectors.redis.alerts import stored_alert, stored_alerts
from connectors.redis.device_state import RedisWriter
from connectors.redis.updates import update
from schemas.alert_verdict import AlertVerdict, Ruling
from schemas.anomaly_score import AnomalyScore
from schemas.record import Position
from tests.redis_server import redis_server

T = 1_719_800_000_123
LONG = "ü" * 200


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def write(port):
    client = redis.Redis(port=port)
    client.flushall()
    writer = RedisWriter(client)

    def write(*records):
        for topic, record in records:
            assert writer.write([update(topic, record.model_dump_json().encode())]) == [None]

    yield write
    client.close()


@pytest.fixture
def read(port):
    def read(function, *arguments, **named):
        async def call():
            async with redis.asyncio.Redis(port=port) as client:
                return await function(client, *arguments, **named)

        return asyncio.run(call())

    return read


def score(device="pump-1", metric="flow", time_ms=T, **more):
    fields = {"score": 5.0, "is_anomaly": True, "episode": time_ms, "detector": "novelty", "detector_version": 1}
    fields |= {"value": 41.0, "position": Position(topic="telemetry.raw", partition=0, offset=1)}
    record = AnomalyScore(
        device=device, metric=metric, event_time=time_ms, **(fields | more),
    )  # fmt: skip
    return "telemetry.anomalies", record


def verdict(device="pump-1", metric="flow", episode=T, ruling=Ruling.DISMISSED, at=1, note=None):
    record = AlertVerdict(device=device, metric=metric, episode=episode, verdict=ruling, decided_at=at, note=note)
    return "telemetry.verdicts", record


def test_alerts_of_all_devices_come_newest_first_with_their_verdicts(write, read):
    write(score("a", time_ms=T), score("b", time_ms=T + 2, group=T, over_budget=True), score("a", "speed", T + 1))
    write(verdict("a", note='at":9 "quoted"'))
    found = read(stored_alerts)
    assert [(each.device, each.metric, each.verdict) for each in found] == [
        ("b", "flow", None), ("a", "speed", None), ("a", "flow", Ruling.DISMISSED)
    ]  # fmt: skip
    assert (found[0].group, found[0].over_budget, found[2].note) == (T, True, 'at":9 "quoted"')


def test_alerts_of_one_device_since_a_time_and_no_more_than_asked_for(write, read):
    write(*(score(device, time_ms=T + n) for n in range(5) for device in "ab"))
    assert [each.episode for each in read(stored_alerts, "a", since_ms=T + 2)] == [T + 4, T + 3, T + 2]
    assert [each.device for each in read(stored_alerts, limit=3)] == ["b", "a", "b"]


def test_the_raise_is_that_of_the_latest_score_and_gone_with_it(write, read):
    write(score(), score(time_ms=T + 1, is_anomaly=False, episode=None, threshold_raise=1.2))
    assert read(stored_alert, "pump-1", "flow", T).threshold_raise == 1.2
    write(score(time_ms=T + 2, is_anomaly=False, episode=None))
    assert read(stored_alert, "pump-1", "flow", T).threshold_raise == 1.0


def test_an_alert_is_found_by_its_whole_name_only(write, read):
    write(score(LONG, LONG), verdict(LONG, LONG, ruling=Ruling.CONFIRMED))
    assert read(stored_alert, LONG, LONG, T).verdict is Ruling.CONFIRMED
    for other in (("pump-1", LONG, T), (LONG, "flow", T), (LONG, LONG, T + 1)):
        assert read(stored_alert, *other) is None


def test_a_missing_series_is_an_alert_without_a_value_and_can_have_a_verdict(write, read):
    write(score(value=None, score=None, position=None, kind="missing", detector="clock"), verdict())
    alert = read(stored_alert, "pump-1", "flow", T)
    assert (alert.value, alert.kind, alert.verdict) == (None, "missing", Ruling.DISMISSED)


def test_without_alerts_the_list_is_empty(write, read):
    assert read(stored_alerts) == read(stored_alerts, "pump-1") == []


def test_what_somebody_else_has_stored_is_no_alert_and_no_verdict(port, write, read):
    write(score())
    with redis.Redis(port=port) as client:
        client.zadd("alerts:recent", {"no JSON": T, '{"ts":1}': T})
        client.hset("verdicts:pump-1", f"{T} flow", '["confirmed"]')
    (alert,) = read(stored_alerts)
    assert alert.verdict is None
