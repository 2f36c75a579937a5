"""The main job on the real servers: MQTT in, InfluxDB and Redis out, everything accounted for."""

import json

import psutil
import pytest
import redis

from connectors.kafka.scan import scan
from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD_LETTERS
from stack import orphans
from stack.supervision import Supervision
from tests.end_to_end.stored import influxdb_points
from tests.end_to_end.waiting import eventually

MALFORMED = {
    "not_json": b'{"metric":"temperature",',
    "invalid_utf8": b'{"metric":"t\xff","value":1}',
    "bad_value": b'{"metric":"temperature","value":"warm"}',
    "ts_out_of_range": b'{"metric":"temperature","value":1,"ts":86400000}',
    "unknown_unit": b'{"metric":"temperature","value":1,"unit":"degrees"}',
}


@pytest.fixture
def device_state(running):
    client = redis.Redis.from_url(running.endpoints.redis_url, decode_responses=True)
    yield lambda device: {metric: json.loads(state) for metric, state in client.hgetall(f"device:{device}").items()}
    client.close()


def test_a_published_reading_stands_in_redis_and_influxdb_with_its_score(running, publish, device_state):
    before = influxdb_points(running.endpoints, "reading", "value")
    publish("dev-1", b'{"metric":"temperature","value":70.7,"unit":"[degF]","ts":1790000000123,"seq":1}')

    state = eventually(lambda: (s := device_state("dev-1").get("temperature")) and s["score_ts"] and s)

    assert state["value"] == pytest.approx(21.5)
    assert state["ts"] == state["score_ts"] == 1790000000123
    eventually(lambda: influxdb_points(running.endpoints, "reading", "value") == before + 1)


def test_every_port_is_bound_to_loopback_only(running):
    # With jobs running: their TaskManager listens for its Python workers (flink/patches/beam_loopback.py).
    addresses = {
        connection.laddr.ip
        for process in orphans.find(running.home)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_five_malformed_messages_stand_in_dead_letters_with_their_reasons_and_bytes(running, publish):
    for payload in MALFORMED.values():
        publish("dev-bad", payload)

    def letters():
        found = [DeadLetter.model_validate_json(record.value) for record in scan(running.endpoints.kafka, DEAD_LETTERS)]
        return [letter for letter in found if letter.device == "dev-bad"]

    eventually(lambda: len(letters()) >= len(MALFORMED))
    assert {letter.reason.value: letter.original for letter in letters()} == MALFORMED


def test_influxdb_away_stops_neither_redis_nor_the_scores_and_loses_nothing(running, publish, device_state):
    supervision = Supervision(running.layout)
    before = influxdb_points(running.endpoints, "reading", "value")
    supervision.stop(["influxdb"])
    try:
        publish("dev-2", b'{"metric":"temperature","value":21.5,"ts":1790000000123}')
        eventually(lambda: (s := device_state("dev-2").get("temperature")) and s["score_ts"])
    finally:
        running.headrace("up")

    eventually(lambda: influxdb_points(running.endpoints, "reading", "value") == before + 1, within_s=120)


def test_a_csv_of_anyones_is_published_with_its_own_times(running, device_state, tmp_path):
    file = tmp_path / "machine.csv"
    file.write_text("timestamp,value\n2024-07-01 00:00:00,73.9\n2024-07-01 00:05:00,74.9\n")

    running.headrace("publish", str(file), "--device", "machine", "--metric", "temperature", "--keep-time")

    state = eventually(lambda: (s := device_state("machine").get("temperature")) and s["ts"] == 1719792300000 and s)
    assert state["value"] == 74.9


def test_the_demo_balances(running):
    """Waits until all windows are closed, and then every count must agree. What runs after it sends nothing."""
    done = running.headrace("demo", "--ticks", "150", check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "It balances" in done.stdout


def test_the_balance_that_went_on_from_the_last_one_counts_what_a_full_one_counts(running):
    """The demo before has taken the balance of the tests above, and then of what it sent, in increments."""
    increment, full = (
        json.loads(running.headrace("balance", "--json", *options).stdout) for options in ((), ("--full",))
    )
    assert increment["holds"]
    assert full["holds"]
    assert increment["records"] < full["records"] / 100
    for count in ("messages", "items", "readings", "duplicates", "dead_letters", "late", "windowed"):
        assert increment[count] == full[count]
