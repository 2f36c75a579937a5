"""RedisWriter against a real Redis: what it does is a script that only a Redis runs."""

import json

import pytest
import redis

from bench.free_port import free_port
from connectors.redis.device_state import ChurnUpdate, DeviceUpdate, RedisWriter, VerdictUpdate
from connectors.retries import Retries
from connectors.stores import StoreMisconfigured, StoreUnavailable
from schemas.redis_keys import ANOMALIES, CHURN, DEVICE, RECENT_ALERTS, VERDICTS
from tests.redis_server import redis_server


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def client(port):
    client = redis.Redis(port=port)
    client.flushall()
    client.config_set("maxmemory", 0)
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@pytest.fixture
def writer(client):
    return RedisWriter(client, retries=Retries(0))


def reading(value, ts, metric="temperature", device="pump-1"):
    return DeviceUpdate(device, metric, "reading", ts, f'"value":{value},"ts":{ts}')


def score(value, ts, metric="temperature", device="pump-1", alert=None, is_anomaly="false"):
    body = f'"score":{value},"score_ts":{ts},"is_anomaly":{is_anomaly}'
    return DeviceUpdate(device, metric, "score", ts, body, alert)


def verdict(episode, at, said="dismissed", device="pump-1"):
    return VerdictUpdate(device, "temperature", episode, at, f'{{"at":{at},"verdict":"{said}"}}')


def state(client, metric="temperature", device="pump-1"):
    return json.loads(client.hget(f"device:{device}", metric))


T = 1_719_800_000_123


def test_a_reading_and_its_score_stand_side_by_side(client, writer):
    assert writer.write([reading(21.4, T), score(0.9, T, is_anomaly="true")]) == [None, None]
    assert state(client) == {"value": 21.4, "ts": T, "score": 0.9, "score_ts": T, "is_anomaly": True}


@pytest.mark.parametrize("only", [reading(21.4, T), score(0.9, T)], ids=["reading", "score"])
def test_a_half_that_has_not_come_yet_is_null(client, writer, only):
    writer.write([only])
    found = state(client)
    assert set(found) == {"value", "ts", "score", "score_ts", "is_anomaly"}
    assert [found["ts"], found["score_ts"]].count(None) == 1


def test_each_half_moves_forward_by_its_own_time(client, writer):
    writer.write([reading(1, T), score(0.1, T)])
    writer.write([reading(2, T + 5)])
    assert (state(client)["value"], state(client)["score"]) == (2, 0.1)
    writer.write([score(0.2, T + 1)])
    assert state(client) == {"value": 2, "ts": T + 5, "score": 0.2, "score_ts": T + 1, "is_anomaly": False}


def test_a_late_reading_does_not_turn_the_clock_back(client, writer):
    writer.write([reading(2, T + 5), score(0.2, T + 5)])
    assert writer.write([reading(1, T), score(0.1, T)]) == [None, None]
    assert (state(client)["value"], state(client)["score"]) == (2, 0.2)


def test_a_replay_changes_nothing(client, writer):
    updates = [reading(i, T + i) for i in range(20)] + [score(i, T + i, alert=f'{{"ts":{T + i}}}') for i in range(20)]
    writer.write(updates)
    before = (client.hgetall("device:pump-1"), client.zrange("anomalies:pump-1", 0, -1, withscores=True))
    for cut in (1, 7, 40):
        for start in range(0, len(updates), cut):
            writer.write(updates[start : start + cut])
    assert (client.hgetall("device:pump-1"), client.zrange("anomalies:pump-1", 0, -1, withscores=True)) == before


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_of_a_batch_stays_whatever_their_order(client, writer, order):
    writer.write([reading(i, T + i) for i in range(9)][::order])
    assert state(client)["value"] == 8


@pytest.mark.parametrize("text", ["0.1", "1.7976931348623157E308", "5.0E-324", "123456789.12345679", "-0.0"])
def test_the_text_of_a_value_comes_back_exactly(client, writer, text):
    writer.write([reading(text, T)])
    writer.write([score(text, T)])
    stored = client.hget("device:pump-1", "temperature").decode()
    assert f'"value":{text},' in stored
    assert f'"score":{text},' in stored


@pytest.mark.parametrize("name", ["two words", 'say "hi"', ',"score":', "Größe 😀", "%d(", "a:b/c"])
def test_metrics_and_devices_are_any_text(client, writer, name):
    writer.write([reading(1, T, metric=name, device=name), score(2, T, metric=name, device=name)])
    writer.write([reading(3, T + 1, metric=name, device=name)])
    assert (state(client, name, name)["value"], state(client, name, name)["score"]) == (3, 2)


def test_devices_and_metrics_do_not_touch_each_other(client, writer):
    writer.write([reading(1, T), reading(2, T, metric="flow"), reading(3, T, device="pump-2")])
    assert [state(client)["value"], state(client, "flow")["value"], state(client, device="pump-2")["value"]] == [
        1,
        2,
        3,
    ]


def test_a_device_with_too_many_metrics_has_the_new_ones_refused(client):
    writer = RedisWriter(client, max_metrics=3)
    refusals = writer.write([reading(1, T, metric=f"m{i}") for i in range(4)])
    assert refusals == [None, None, None, "the device has over 3 metrics"]
    assert writer.write([reading(2, T + 1, metric="m0")]) == [None]
    assert client.hlen("device:pump-1") == 3
    assert state(client, "m0")["value"] == 2


def test_only_the_newest_alerts_of_a_device_stay(client):
    writer = RedisWriter(client, max_alerts=3)
    writer.write([score(1, T + i, alert=f'{{"ts":{T + i}}}') for i in (4, 0, 3, 1, 2)])
    assert [json.loads(alert)["ts"] - T for alert in client.zrange("anomalies:pump-1", 0, -1)] == [2, 3, 4]


def test_only_the_newest_alerts_of_all_devices_stay(client):
    writer = RedisWriter(client, max_recent_alerts=3)
    alerts = [score(1, T + i, device=f"pump-{i}", alert=f'{{"device":"pump-{i}"}}') for i in (4, 0, 3, 1, 2)]
    writer.write(alerts)
    assert client.zrange("alerts:recent", 0, -1) == [b'{"device":"pump-%d"}' % i for i in (2, 3, 4)]
    assert client.zcard("anomalies:pump-0") == 1


def test_the_latest_verdict_on_an_alert_stays_in_whatever_order_they_come(client, writer):
    for said, at in (("dismissed", 5), ("confirmed", 7), ("dismissed", 6)):
        writer.write([verdict(T, at, said)])
    assert client.hgetall("verdicts:pump-1") == {b"%d temperature" % T: b'{"at":7,"verdict":"confirmed"}'}


def test_the_verdict_on_the_oldest_alert_makes_room(client):
    writer = RedisWriter(client, max_alerts=3)
    for episode in (T + 4, T, T + 3, T + 1, T + 2):
        writer.write([verdict(episode, at=1)])
    assert sorted(client.hkeys("verdicts:pump-1")) == [b"%d temperature" % (T + i) for i in (2, 3, 4)]


def test_an_alert_behind_a_newer_score_is_kept(client, writer):
    writer.write([score(1, T + 5)])
    writer.write([score(9, T, alert='{"ts":1}'), score(1, T + 1)])
    assert client.zcard("anomalies:pump-1") == 1


def test_an_alert_without_a_reading_leaves_the_newest_score_alone(client, writer):
    alert = DeviceUpdate("pump-1", "temperature", "alert", T + 9, "", '{"kind":"missing"}')
    assert writer.write([reading(1, T), score(0.1, T), alert]) == [None, None, None]
    assert state(client) == {"value": 1, "ts": T, "score": 0.1, "score_ts": T, "is_anomaly": False}
    assert client.zrange("anomalies:pump-1", 0, -1, withscores=True) == [(b'{"kind":"missing"}', T + 9)]
    writer.write([score(0.2, T + 1)])
    assert state(client)["score"] == 0.2


def test_every_key_has_a_lifetime(client, writer):
    writer.write([reading(1, T), score(1, T, alert="{}"), verdict(T, at=1)])
    assert {key: client.ttl(key) for key in client.scan_iter()} == {
        b"device:pump-1": pytest.approx(DEVICE.lifetime_s, abs=5),
        b"anomalies:pump-1": pytest.approx(ANOMALIES.lifetime_s, abs=5),
        b"alerts:recent": pytest.approx(RECENT_ALERTS.lifetime_s, abs=5),
        b"verdicts:pump-1": pytest.approx(VERDICTS.lifetime_s, abs=5),
    }


def test_nothing_to_write_is_nothing(writer):
    assert writer.write([]) == []


def test_a_redis_with_full_memory_is_away(client, writer):
    client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="answers with an error"):
        writer.write([reading(1, T)])


def test_a_redis_with_full_memory_for_the_alerts_is_away_too(client, writer):
    writer.write([reading(1, T)])
    client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="answers with an error"):
        writer.write([score(1, T, alert="{}")])


def test_a_redis_that_lost_its_scripts_gets_them_again(client, writer):
    writer.write([reading(1, T)])
    client.script_flush()
    assert writer.write([reading(2, T + 1)]) == [None]
    assert state(client)["value"] == 2


def test_a_hash_that_is_no_hash_is_a_refusal_of_its_rows_only(client, writer):
    client.set("device:broken", "text")
    refusals = writer.write([reading(1, T, device="broken"), reading(2, T)])
    assert "WRONGTYPE" in refusals[0]
    assert refusals[1] is None


def test_no_redis_is_away():
    client = redis.Redis(port=free_port())
    with pytest.raises(StoreUnavailable, match="does not answer"):
        RedisWriter(client, retries=Retries(0)).write([reading(1, T)])


def test_a_wrong_password_is_said_with_the_name_of_the_setting(port, client):
    client.config_set("requirepass", "right")
    try:
        with pytest.raises(StoreMisconfigured, match="HEADRACE_REDIS_PASSWORD"):
            RedisWriter(redis.Redis(port=port, password="wrong"), retries=Retries(0)).write([reading(1, T)])
        with pytest.raises(StoreMisconfigured, match="HEADRACE_REDIS_PASSWORD"):
            RedisWriter(redis.Redis(port=port), retries=Retries(0)).write([reading(1, T)])
    finally:
        redis.Redis(port=port, password="right").config_set("requirepass", "")


# ---------------------------------------------------------------- churn


def churn(time_ms, risk=0.5, customer="c-1"):
    return ChurnUpdate(customer, time_ms, json.dumps({"risk": risk, "ts": time_ms}, separators=(",", ":")))


def test_the_risk_of_a_customer_moves_only_forward(client, writer):
    for update in (churn(2000, 0.2), churn(1000, 0.1), churn(2000, 0.3)):
        assert writer.write([update]) == [None]
    assert json.loads(client.get("churn:c-1")) == {"risk": 0.3, "ts": 2000}
    assert 0 < client.ttl("churn:c-1") <= CHURN.lifetime_s


def test_a_deleted_customer_leaves_and_a_replay_does_not_bring_it_back(client, writer):
    writer.write([churn(1000)])
    writer.write([ChurnUpdate("c-1", 2000, None)])
    assert client.get("churn:c-1") is None
    writer.write([churn(1500)])
    assert client.get("churn:c-1") is None
    writer.write([churn(3000)])
    assert client.get("churn:c-1") is not None


def test_of_several_changes_of_a_customer_in_a_batch_the_newest_counts(client, writer):
    assert writer.write([churn(1000, 0.1), churn(3000, 0.3), churn(2000, 0.2), churn(9000, 0.9, "c-2")]) == [None] * 4
    assert json.loads(client.get("churn:c-1"))["risk"] == 0.3
    assert json.loads(client.get("churn:c-2"))["risk"] == 0.9
