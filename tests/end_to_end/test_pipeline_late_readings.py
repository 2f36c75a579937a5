"""A reading that comes too late for its window is stored and scored, and the window is corrected.

Named to run behind test_local_stack.py, which looks at a stack without jobs.
"""

import json
import time
from typing import Any

import pytest

from connectors.influxdb.reader import milliseconds
from connectors.kafka.scan import scan
from schemas.topics import TELEMETRY_LATE, TELEMETRY_READINGS, TELEMETRY_WINDOWS
from tests.end_to_end import influxdb_points
from tests.end_to_end.waiting import eventually

DEVICE = "late-1"
ON_TIME = [10.0, 11.0, 12.0, 14.0]
LATE = 23.0


@pytest.fixture
def publish(publish):
    def send(device, value, event_time):
        publish(device, json.dumps({"metric": "level", "value": value, "ts": event_time}).encode())

    return send


@pytest.fixture
def points(running):
    """Points of a measurement of a device, (time in ms, tag `window` if any) -> fields."""

    def look(measurement, device):
        found: dict[Any, dict[str, Any]] = {}
        for row in influxdb_points.points(running.endpoints, measurement, device):
            key = (milliseconds(row["_time"]), row.get("window"))
            found.setdefault(key, {})[row["_field"]] = number_or_text(row["_value"])
        return found

    return look


def number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def records_of(running, topic, device):
    found = [(record.partition, json.loads(record.value)) for record in scan(running.endpoints.kafka, topic)]
    return [(partition, value) for partition, value in found if value["device"] == device]


def test_a_late_reading_is_stored_and_scored_and_its_windows_are_corrected(running, publish, points):
    # Windows of 10 s that begin in 10 to 20 s: whatever the stack has seen before, its watermark has not passed them.
    start = (time.time_ns() // 10_000_000_000 + 2) * 10_000
    minute = start // 60_000 * 60_000
    for second, value in enumerate(ON_TIME):
        publish(DEVICE, value, start + 1000 * second)

    # No other reading comes: the clock closes the windows of a partition that is idle.
    assert eventually(lambda: points("reading_window", DEVICE).get((minute, "1m")), within_s=240)["count"] == 4
    first = points("reading_window", DEVICE)[start, "10s"]
    assert (first["count"], first["mean"]) == (4, 11.75)

    # Between the others in time, and one of a device of which nothing was ever on time.
    publish(DEVICE, LATE, start + 2500)
    publish("late-2", 5.0, start)
    eventually(lambda: len(records_of(running, TELEMETRY_LATE, DEVICE)) == 1)
    eventually(lambda: records_of(running, TELEMETRY_LATE, "late-2"))
    assert len(records_of(running, TELEMETRY_READINGS, DEVICE)) == len(ON_TIME) + 1
    eventually(lambda: (start + 2500, None) in points("anomaly", DEVICE))
    assert points("reading", DEVICE)[start + 2500, None] == {"value": LATE}

    # The stack's own corrector may have been quicker: then there is nothing left to do.
    running.headrace("windows", "correct", "--wait", "60s")

    corrected = eventually(lambda: (p := points("reading_window", DEVICE)[start, "10s"])["count"] == 5 and p)
    assert corrected["mean"] == pytest.approx(14.0)
    assert (corrected["min"], corrected["max"], corrected["last"]) == (10.0, LATE, 14.0)
    assert corrected["stddev"] == pytest.approx(4.69041575982343)
    assert points("reading_window", DEVICE)[minute, "1m"]["count"] == 5
    alone = eventually(lambda: points("reading_window", "late-2"))
    assert {key: fields["count"] for key, fields in alone.items()} == {(start, "10s"): 1, (minute, "1m"): 1}


def test_a_corrected_window_stands_behind_the_first_in_its_partition(running):
    ten = [
        (partition, window["count"], window["corrected"])
        for partition, window in records_of(running, TELEMETRY_WINDOWS, DEVICE)
        if window["window"] == "10s" and window["count"] > 1
    ]
    ((partition, _, _), *_) = ten
    assert ten[0] == (partition, 4, False)
    assert set(ten[1:]) == {(partition, 5, True)}


def test_correcting_again_changes_nothing(running):
    done = json.loads(running.headrace("windows", "correct", "--since", "1h", "--wait", "60s", "--json").stdout)
    assert done["late"] >= 2
    assert (done["windows"]["corrected"], done["left"], done["not_stored"], done["malformed"]) == (0, 0, 0, 0)
    assert done["windows"]["right"] >= 4


def test_the_status_shows_the_corrector_and_where_it_stands(running):
    shown = json.loads(running.headrace("status", "--json", check=False).stdout)
    assert [each["state"] for each in shown["processes"] if each["name"] == "corrector"] == ["RUNNING"]
    assert shown["corrections"]["error"] is None
    lags = {(each["group"], each["topic"]) for each in shown["lags"]}
    assert ("headrace-correct_windows", "telemetry.late") in lags
    assert not [alarm for alarm in shown["alarms"] if "Kafka removes" in alarm["wrong"]]


def test_the_balance_counts_a_corrected_window_once(running):
    def holds():
        return running.headrace("balance", check=False).returncode == 0

    eventually(holds, within_s=150)
