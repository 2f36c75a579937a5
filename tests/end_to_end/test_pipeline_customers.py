"""Rows of PostgreSQL on their way: customers to a risk with reasons, by a model that is trained here, and devices to
fields of their readings.
"""

import csv
import json
import random
import time

import httpx
import pytest

from connectors.influxdb.reader import InfluxDBReader
from connectors.postgres_cdc import database
from headrace import submission
from models.champion import champion
from tests.end_to_end.waiting import eventually

ROWS = 400


@pytest.fixture(scope="module")
def scoring(running, tmp_path_factory):
    """The stack with change capture, a model and the job that scores."""
    running.headrace("up", "--with", "postgres,connect")
    promote(running, tmp_path_factory.mktemp("customers") / "customers.csv", seed=1)
    running.headrace("submit", "score_churn")
    submission.wait_until_running(running.endpoints.flink, ("score_churn",))
    with database.connection(running.layout.capture) as connection:
        connection.execute("ALTER TABLE customers ADD COLUMN tenure int, ADD COLUMN contract text")
        yield running


def promote(stack, path, seed):
    """A model of customers who leave early and by the month."""
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["customer_id", "tenure", "contract", "churn"])
        for number in range(ROWS):
            tenure, contract = draw.randrange(72), draw.choice(["monthly", "yearly"])
            leaves = draw.random() < (0.8 if contract == "monthly" and tenure < 24 else 0.1)
            table.writerow([f"c-{number}", tenure, contract, "yes" if leaves else "no"])
    stack.headrace("churn", "train", str(path), "--model", "logistic", "--trials", "1", "--promote")


def test_a_customer_has_a_risk_with_reasons_and_each_change_a_new_one(scoring, execute, risk_of):
    execute("INSERT INTO customers VALUES ('one', 3, 'monthly')")
    first = eventually(lambda: risk_of("one"))
    assert any("contract is monthly: raises the risk" in words for words in first["reasons"])
    assert first["model"] == champion(scoring.home / "models" / "churn").version
    execute("UPDATE customers SET contract = 'yearly', tenure = 60 WHERE customer_id = 'one'")
    second = eventually(lambda: (risk := risk_of("one"))["ts"] > first["ts"] and risk)
    assert second["risk"] < first["risk"]


def test_two_changes_at_once_end_with_the_second(execute, risk_of):
    execute(
        "DO $$ BEGIN INSERT INTO customers VALUES ('two', 3, 'monthly');"
        " UPDATE customers SET tenure = 70, contract = 'yearly' WHERE customer_id = 'two'; END $$"
    )
    eventually(lambda: (risk := risk_of("two")) and any("yearly" in words for words in risk["reasons"]))


def test_a_deleted_customer_leaves_redis(execute, risk_of):
    execute("INSERT INTO customers VALUES ('three', 3, 'monthly')")
    eventually(lambda: risk_of("three"))
    execute("DELETE FROM customers WHERE customer_id = 'three'")
    eventually(lambda: risk_of("three") is None)


def test_a_category_that_the_training_never_saw_is_scored(execute, risk_of):
    execute("INSERT INTO customers VALUES ('four', 12, 'by the hour')")
    assert 0 <= eventually(lambda: risk_of("four"))["risk"] <= 1


def test_the_risk_is_a_point_of_the_time_of_the_change(scoring, execute, risk_of):
    execute("INSERT INTO customers VALUES ('five', 12, 'monthly')")
    risk = eventually(lambda: risk_of("five"))
    reader = InfluxDBReader.connect(scoring.endpoints)
    query = (
        f'from(bucket: "{reader.bucket}") |> range(start: -1h)'
        ' |> filter(fn: (r) => r._measurement == "churn" and r.customer == "five" and r._field == "risk")'
    )
    points = eventually(lambda: [float(row["_value"]) for row in reader.rows(query)])
    assert points == [pytest.approx(risk["risk"])]


def test_a_model_that_is_promoted_scores_the_next_change_without_a_restart(scoring, execute, risk_of, tmp_path):
    execute("INSERT INTO customers VALUES ('six', 12, 'monthly')")
    before = eventually(lambda: risk_of("six"))
    job = submission.running_jobs(scoring.endpoints.flink)["score_churn"]
    promote(scoring, tmp_path / "customers.csv", seed=2)

    def scored_by_the_new_one():
        execute("UPDATE customers SET tenure = tenure + 1 WHERE customer_id = 'six'")
        return risk_of("six")["model"] == champion(scoring.home / "models" / "churn").version

    eventually(scored_by_the_new_one)
    assert risk_of("six")["model"] != before["model"]
    vertices = httpx.get(f"http://{scoring.endpoints.flink}/jobs/{job}/exceptions").json()
    assert vertices["exceptionHistory"]["entries"] == []


def test_a_promoted_model_scores_customers_whose_rows_do_not_change(scoring, execute, risk_of, tmp_path):
    execute("INSERT INTO customers VALUES ('still', 12, 'monthly')")
    before = eventually(lambda: risk_of("still"))
    promote(scoring, tmp_path / "customers.csv", seed=3)
    scoring.headrace("churn", "rescore")
    after = eventually(lambda: (risk := risk_of("still"))["model"] != before["model"] and risk)
    assert after["model"] == champion(scoring.home / "models" / "churn").version
    assert after["ts"] > before["ts"]


def test_a_row_without_a_column_of_the_model_is_a_dead_letter_and_scored_once_mended(scoring, execute, risk_of):
    execute("ALTER TABLE customers RENAME COLUMN contract TO agreement")
    execute("INSERT INTO customers VALUES ('seven', 12, 'monthly')")
    execute("ALTER TABLE customers RENAME COLUMN agreement TO contract")

    def listed():
        letters = json.loads(scoring.headrace("dlq", "ls", "--stage", "score_churn", "--json").stdout)
        return [letter for letter in letters["newest"] if letter["reason"] == "unscorable_customer"]

    (letter,) = eventually(listed)
    assert "contract" in letter["detail"]
    shown = json.loads(scoring.headrace("dlq", "show", letter["id"], "--json").stdout)
    assert shown["not_replayable_because"].endswith("headrace churn rescore seven")
    scoring.headrace("churn", "rescore", "seven")
    assert 0 <= eventually(lambda: risk_of("seven"))["risk"] <= 1


@pytest.fixture
def newest_point(scoring):
    """Fields of the newest reading of a device, as InfluxDB holds it; None: it holds none."""
    reader = InfluxDBReader.connect(scoring.endpoints)

    def look(device):
        query = (
            f'from(bucket: "{reader.bucket}") |> range(start: -1h)'
            f' |> filter(fn: (r) => r._measurement == "reading" and r.device == "{device}")'
        )
        points = {}
        for row in reader.rows(query):
            points.setdefault(row["_time"], {})[row["_field"]] = row["_value"]
        return points[max(points)] if points else None

    return look


@pytest.fixture
def in_new_readings(publish, newest_point):
    """Publishes readings of a device until one of them is stored with these fields and no others beside its value."""

    def in_new_readings(device, fields):
        def look():
            publish(device, json.dumps({"metric": "flow", "value": 1.5, "ts": time.time_ns() // 1_000_000}).encode())
            return newest_point(device) == {"value": "1.5", **fields}

        eventually(look)

    return in_new_readings


def test_a_device_that_is_changed_shows_in_new_readings_and_one_that_is_deleted_no_more(execute, in_new_readings):
    in_new_readings("dev-7", {})
    execute("INSERT INTO devices VALUES ('dev-7', 'Köln', 'P-200', NULL)")
    in_new_readings("dev-7", {"site": "Köln", "model": "P-200"})
    execute("UPDATE devices SET site = 'Bonn', owner = 'ACME' WHERE device = 'dev-7'")
    in_new_readings("dev-7", {"site": "Bonn", "model": "P-200", "owner": "ACME"})
    execute("DELETE FROM devices WHERE device = 'dev-7'")
    in_new_readings("dev-7", {})


def test_a_row_that_cannot_be_a_field_leaves_what_was_known_and_stops_nothing(execute, in_new_readings):
    execute("INSERT INTO devices VALUES ('dev-8', 'Köln', NULL, NULL), ('dev-9', 'Jena', NULL, NULL)")
    in_new_readings("dev-8", {"site": "Köln"})
    execute("UPDATE devices SET site = repeat('x', 100000) WHERE device = 'dev-8'")
    execute("UPDATE devices SET site = 'Gera' WHERE device = 'dev-9'")
    in_new_readings("dev-9", {"site": "Gera"})
    in_new_readings("dev-8", {"site": "Köln"})
