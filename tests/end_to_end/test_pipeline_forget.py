"""A user is forgotten on the real servers: in Redis, InfluxDB, the state of the job and tables, and nobody else is."""

import json
import time
from functools import partial

import pytest
from redis import Redis

from connectors.influxdb.reader import InfluxDBReader
from connectors.kafka.clients import producer
from connectors.kafka.scan import scan
from connectors.postgres_cdc import database
from headrace import submission
from schemas.interaction import Interaction
from schemas.topics import INTERACTIONS, USERS_FORGOTTEN
from tests.end_to_end.waiting import eventually

GONE, KEPT = "gone-7", "gone-77"
NUMBER, NEIGHBOUR = "17", "1700"
"""Customers with numbers as ids: the tenure of the second is the id of the first."""
READINGS = """from(bucket: "telemetry") |> range(start: 0)
  |> filter(fn: (r) => r._measurement == "reading" and r.device == "forget-1")
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")"""


@pytest.fixture(scope="module")
def known(running):
    """Two users who took things, are customers and own a device."""
    running.headrace("up", "--with", "postgres,connect")
    running.headrace("submit", "recommend_items")
    submission.wait_until_running(running.endpoints.flink, ("recommend_items",))
    with database.connection(running.layout.capture) as connection:
        connection.execute("INSERT INTO customers (customer_id) VALUES (%s), (%s)", (GONE, KEPT))
        connection.execute("INSERT INTO devices (device, owner) VALUES ('forget-1', %s)", (GONE,))
    client = producer(running.endpoints.kafka, client_id="test")
    for user in map(running.pseudonym_of, (KEPT, GONE)):
        for item in ("tea", "pot", "cup"):
            took = Interaction(user=user, item=item, action="view", event_time=int(time.time() * 1000))
            client.send(INTERACTIONS.name, key=user.encode(), value=took.model_dump_json().encode())
    client.flush()
    yield running
    client.close()
    with database.connection(running.layout.capture) as connection:
        connection.execute("DELETE FROM customers WHERE customer_id IN (%s, %s)", (GONE, KEPT))
        connection.execute("DELETE FROM devices WHERE device = 'forget-1'")


@pytest.fixture
def redis(known):
    with Redis.from_url(known.endpoints.redis_url, decode_responses=True) as redis:
        yield redis


def owners(known):
    return [row.get("owner") for row in InfluxDBReader.connect(known.endpoints).rows(READINGS)]


def test_who_is_a_customer_is_not_forgotten_before_the_row_is_gone(known):
    before = known.pseudonym_of(GONE)
    eventually(
        lambda: "the row is in the database" in known.headrace("privacy", "forget", GONE, "--yes", check=False).stderr
    )
    assert known.pseudonym_of(GONE) == before


def test_a_number_is_forgotten_as_an_id_and_not_as_a_tenure_or_a_time(known, execute):
    execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS tenure int")
    execute("INSERT INTO customers (customer_id, tenure) VALUES (%s, 3), (%s, %s)", (NUMBER, NEIGHBOUR, int(NUMBER)))
    with known.layout.log("forget-test").open("w") as log:
        log.write("2026-11-30 10:17:03,017 INFO 17 records behind port 17\n")
    refused = eventually(
        lambda: _said(known.headrace("privacy", "forget", NUMBER, "--yes", check=False), "row is in the database")
    )
    assert refused.returncode == 1
    execute("DELETE FROM customers WHERE customer_id = %s", (NUMBER,))
    try:
        for _ in range(2):  # the second run has nothing left to do
            told = eventually(
                lambda: _succeeded(known.headrace("privacy", "forget", NUMBER, "--yes", check=False)), within_s=180
            )
            assert "the user:" not in told.stdout  # no file names it
            assert f"{NUMBER} is forgotten." in told.stdout
        kept = execute("SELECT tenure FROM customers WHERE customer_id = %s", (NEIGHBOUR,)).fetchone()
        assert kept == (int(NUMBER),)
    finally:
        execute("DELETE FROM customers WHERE customer_id = %s", (NEIGHBOUR,))
        execute("ALTER TABLE customers DROP COLUMN tenure")


def _said(done, words):
    return done if words in done.stderr else None


def _succeeded(done):
    return done if done.returncode == 0 else None


def test_a_user_is_forgotten_and_it_is_looked_for(known, redis, publish, execute, tmp_path):
    gone, kept = map(known.pseudonym_of, (GONE, KEPT))
    for user in (gone, kept):
        eventually(partial(redis.exists, f"recommendations:{user}"), within_s=120)
    publish("forget-1", json.dumps({"metric": "flow", "value": 1}).encode())
    eventually(lambda: owners(known) == [GONE])
    execute("DELETE FROM customers WHERE customer_id = %s", (GONE,))
    execute("UPDATE devices SET owner = NULL WHERE device = 'forget-1'")
    table = tmp_path / "interactions.csv"
    table.write_text(f"user,item,event_time\n{GONE},tea,1\n{KEPT},tea,2\n{gone},pot,3\n")

    def forgotten():
        return _succeeded(known.headrace("privacy", "forget", GONE, "--yes", "--table", str(table), check=False))

    told = eventually(forgotten, within_s=180).stdout
    assert "a checkpoint was taken without the user" in told
    assert "destroyed: nobody can make the pseudonym again" in told
    assert "2 rows were removed" in told
    assert "3 records of somebody whom nobody can name any more, gone within 8 days" in told
    assert table.read_text() == f"user,item,event_time\n{KEPT},tea,2\n"
    assert known.pseudonym_of(GONE) != gone
    assert known.pseudonym_of(KEPT) == kept
    assert redis.exists(f"recommendations:{kept}")
    assert not redis.exists(f"recommendations:{gone}")
    assert owners(known) == [""]


def test_what_comes_under_the_old_pseudonym_is_not_learned_and_somebody_new_is(known, redis):
    """A record may be on its way while its user is forgotten."""
    old = [json.loads(message.value)["user"] for message in scan(known.endpoints.kafka, USERS_FORGOTTEN)][-1]
    client = producer(known.endpoints.kafka, client_id="test")
    new = known.pseudonym_of(GONE)
    for user in (old, new):
        took = Interaction(user=user, item="tea", action="view", event_time=int(time.time() * 1000))
        client.send(INTERACTIONS.name, key=user.encode(), value=took.model_dump_json().encode()).get(timeout=30)
    client.close()
    eventually(lambda: redis.exists(f"recommendations:{new}"))
    assert not redis.exists(f"recommendations:{old}")
