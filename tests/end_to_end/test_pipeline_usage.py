"""What customers do with devices and applications, counted on the real topics and scored with their rows."""

import csv
import json
import random
import time
from collections import Counter

import pytest

from connectors.kafka.clients import producer
from connectors.kafka.scan import scan
from connectors.postgres_cdc import database
from headrace import submission
from schemas.interaction import Interaction
from schemas.topics import CUSTOMERS_USAGE, DEVICES, INTERACTIONS, USAGE_HOURS
from schemas.usage import CustomerUsage, UsageHour
from schemas.usage_features import HOUR_MS, NO_USAGE
from tests.end_to_end.waiting import eventually, in_the_end

JOBS = ("count_usage", "window_usage", "score_churn")
USED = "usage_readings_7d"
ROWS = 400


@pytest.fixture(scope="module")
def counting(running, tmp_path_factory):
    """The stack with change capture, a model that reads usage, and the jobs that make it."""
    running.headrace("up", "--with", "postgres,connect")
    table = tmp_path_factory.mktemp("customers") / "with_usage.csv"
    write_customers(table)
    running.headrace("churn", "train", str(table), "--model", "logistic", "--trials", "1", "--promote")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_JOB_USAGE_COUNTED_EVERY_S", "3")
        running.headrace("submit", *JOBS)
    submission.wait_until_running(running.endpoints.flink, JOBS)
    with database.connection(running.layout.capture) as connection:
        connection.execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS tenure int")
    return running


def write_customers(path):
    """Customers who leave early, and where their devices are little used."""
    draw = random.Random(1)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["customer_id", "tenure", USED, "churn"])
        for number in range(ROWS):
            tenure, readings = draw.randrange(72), draw.randrange(1000)
            leaves = draw.random() < (0.7 if tenure < 24 else 0.3) * (1.2 if readings < 500 else 0.3)
            table.writerow([f"c-{number}", tenure, readings, "yes" if leaves else "no"])


@pytest.fixture
def send(counting):
    """Writes a record to a topic."""
    client = producer(counting.endpoints.kafka, client_id="test")

    def send(topic, key, record):
        client.send(topic.name, key=key.encode(), value=record.model_dump_json().encode()).get(timeout=30)

    yield send
    client.close()


def test_new_usage_is_a_new_risk_of_the_same_row(counting, execute, send, risk_of):
    execute("INSERT INTO customers (customer_id, tenure) VALUES ('used', 30)")
    idle = eventually(lambda: risk_of("used"))
    as_of = (idle["ts"] // HOUR_MS + 1) * HOUR_MS
    usage = CustomerUsage(customer=counting.pseudonym_of("used"), as_of=as_of, features=NO_USAGE | {USED: 900})
    send(CUSTOMERS_USAGE, usage.customer, usage)
    active = eventually(lambda: (risk := risk_of("used"))["ts"] == as_of and risk)
    assert active["risk"] < idle["risk"]
    # A change that the database took before `as_of` is newer than the score, and its score takes the place.
    execute("UPDATE customers SET tenure = 1 WHERE customer_id = 'used'")
    changed = eventually(lambda: (risk := risk_of("used"))["risk"] != active["risk"] and risk)
    assert active["risk"] < changed["risk"]
    assert changed["ts"] == as_of


def test_readings_and_interactions_are_counted_for_their_customer(counting, execute, send, publish):
    owner, user, heir = map(counting.pseudonym_of, ("owner", "user", "heir"))

    def counted():
        found = Counter()
        for message in scan(counting.endpoints.kafka, USAGE_HOURS):
            record = UsageHour.model_validate_json(message.value)
            found[record.customer, record.source.value, record.hour_start] += record.events
        return {each: n for each, n in found.items() if each[0] in (owner, user, heir)}

    execute("INSERT INTO devices (device, owner) VALUES ('usage-1', 'owner'), ('usage-2', 'heir'), ('usage-3', 'heir')")
    execute("DELETE FROM devices WHERE device = 'usage-2'")
    execute("UPDATE devices SET owner = NULL WHERE device = 'usage-3'")
    # The last of a device's rows is in Kafka before anything is sent that is to be counted.
    eventually(lambda: [m.key for m in scan(counting.endpoints.kafka, DEVICES)].count(b"usage-3") == 2)
    hour = (int(time.time() * 1000) // HOUR_MS - 2) * HOUR_MS
    send(INTERACTIONS, user, Interaction(user=user, action="login", event_time=hour))
    in_the_end(counted, {(user, "interactions", hour): 1})
    for device in ("usage-1", "usage-2", "usage-3"):
        values = [{"metric": "flow", "value": n, "ts": hour + n} for n in range(5)]
        publish(device, json.dumps(values).encode())
    in_the_end(counted, {(user, "interactions", hour): 1, (owner, "telemetry", hour): 5})


def test_what_was_counted_just_now_was_not_known_an_hour_ago(counting, tmp_path):
    out = tmp_path / "usage.csv"
    refused = counting.headrace("churn", "features", "--as-of", "1h", "--out", str(out), check=False)
    assert refused.returncode == 1
    assert "Nothing was counted in the week before" in refused.stderr
    assert not out.exists()


def test_the_jobs_run_without_a_restart(counting):
    assert set(JOBS) <= set(submission.running_jobs(counting.endpoints.flink))
    submission.wait_until_running(counting.endpoints.flink, JOBS)
