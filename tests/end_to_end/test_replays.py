"""Dead letters on the real servers: listed, edited, sent back, stored with the time they were measured at.

Its name puts it behind test_pipeline.py, whose jobs it uses.
"""

import base64
import json
import uuid
from typing import Any

import pytest

from connectors.influxdb.reader import milliseconds
from tests.end_to_end.influxdb_points import points
from tests.end_to_end.waiting import eventually

MALFORMED = {
    "not_json": b'{"metric":"temperature","value":21.5,"ts":1719800001000',
    "bad_value": b'{"metric":"humidity","value":"40 %","ts":1719800002000}',
    "ts_out_of_range": b'{"metric":"pressure","value":101325,"ts":1719800003}',
    "unknown_unit": b'{"metric":"speed","value":36,"unit":"furlong/h","ts":1719800004000}',
    "invalid_utf8": b'{"metric":"flow\xff","value":0.5}',
}
MENDED_BY = {
    "not_json": 'payload + "}"',
    "bad_value": 'payload | {"value": float(payload["value"].removesuffix("%"))}',
    "ts_out_of_range": 'payload | {"ts": payload["ts"] * 1000}',
    "unknown_unit": 'payload | {"unit": "km/h"}',
    "invalid_utf8": r'payload.replace("\udcff", "")',
}


@pytest.fixture(scope="module")
def running(stack):
    """The stack with the jobs that matter here; those that run already are left alone."""
    stack.headrace("submit", "clean_telemetry", "store_influxdb")
    return stack


@pytest.fixture
def device() -> str:
    return f"edited-{uuid.uuid4().hex[:8]}"


def listed(stack, device: str) -> list[dict[str, Any]]:
    """The letters of a device as `dlq ls --json` tells of them."""
    return json.loads(stack.headrace("dlq", "ls", "--device", device, "--json").stdout)["newest"]


def letter(stack, id_: str) -> dict[str, Any]:
    return json.loads(stack.headrace("dlq", "show", id_, "--json").stdout)


def stored(stack, device: str) -> dict[str, tuple[int, float]]:
    """Metric -> time in ms and value of every reading that InfluxDB holds of a device."""
    rows = points(stack.endpoints, "reading", device)
    found = {row["metric"]: (milliseconds(row["_time"]), float(row["_value"])) for row in rows}
    assert len(found) == len(rows)
    return found


def test_malformed_messages_are_listed_mended_sent_back_and_stored_with_their_own_times(running, publish, device):
    for payload in MALFORMED.values():
        publish(device, payload)
    letters = eventually(lambda: len(found := listed(running, device)) == len(MALFORMED) and found)
    ids = {each["reason"]: each["id"] for each in letters}
    assert set(ids) == set(MALFORMED)

    for reason, id_ in ids.items():
        rehearsed = running.headrace("dlq", "fix", id_, "--python", MENDED_BY[reason])
        assert "Would send 1 to telemetry.raw" in rehearsed.stdout
        running.headrace("dlq", "fix", id_, "--python", MENDED_BY[reason], "--yes")

    readings = eventually(lambda: len(found := stored(running, device)) == len(MALFORMED) and found)
    received_at = int(base64.b64decode(letter(running, ids["invalid_utf8"])["headers"]["received_at"]))
    assert readings == {
        "temperature": (1719800001000, 21.5),
        "humidity": (1719800002000, 40.0),
        "pressure": (1719800003000, 101325.0),
        "speed": (1719800004000, pytest.approx(10.0)),
        "flow": (received_at, 0.5),
    }
    # Nothing was refused again, and the originals are where they were.
    assert {each["id"]: each["sent_back"] for each in listed(running, device)} == dict.fromkeys(ids.values(), 1)
    assert base64.b64decode(letter(running, ids["bad_value"])["original"]) == MALFORMED["bad_value"]


def test_a_letter_that_fails_again_comes_back_once_and_counts_one_replay_more(running, publish, device):
    publish(device, MALFORMED["bad_value"])
    (first,) = eventually(lambda: listed(running, device))
    assert first["replays"] == 0

    running.headrace("dlq", "replay", first["id"], "--yes")
    twice = running.headrace("dlq", "replay", first["id"], "--yes", check=False)
    assert twice.returncode == 1
    assert "sent to telemetry.raw already" in twice.stdout
    # A reading behind the replay: when it is stored, the cleaning is past the replay.
    publish(device, b'{"metric":"humidity","value":41,"ts":1719800002000}')
    eventually(lambda: stored(running, device))
    back, kept = eventually(lambda: len(found := listed(running, device)) == 2 and found)

    assert kept["id"] == first["id"]
    assert (back["reason"], back["replays"]) == ("bad_value", 1)
    headers = letter(running, back["id"])["headers"]
    assert base64.b64decode(headers["dead_letter"]).decode() == first["id"]
    assert headers["received_at"] == letter(running, first["id"])["headers"]["received_at"]

    running.headrace("dlq", "replay", "--device", device, "--yes")  # of the two only the one that was not sent yet
    newest = eventually(lambda: len(found := listed(running, device)) == 3 and found)[0]
    assert newest["replays"] == 2


def test_a_message_without_a_device_is_sent_as_the_one_that_is_named(running, publish, device):
    payload = {"metric": "temperature", "value": 7, "ts": 1719800001000, "sent by": device}
    publish("ignored", json.dumps(payload).encode(), "fleet//telemetry")

    def nameless() -> list[dict[str, Any]]:
        found = json.loads(running.headrace("dlq", "ls", "--reason", "no_device", "--json").stdout)["newest"]
        return [each for each in found if device in original_of(running, each["id"])]

    (kept,) = eventually(nameless)
    assert running.headrace("dlq", "replay", kept["id"], "--yes", check=False).returncode == 1
    running.headrace("dlq", "replay", kept["id"], "--as-device", device, "--yes")
    assert eventually(lambda: stored(running, device)) == {"temperature": (1719800001000, 7.0)}


def original_of(stack, id_: str) -> str:
    return base64.b64decode(letter(stack, id_)["original"]).decode()
