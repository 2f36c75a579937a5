"""Metadata of devices on Kafka and InfluxDB themselves, as a store's worker has them. No Flink, no PostgreSQL."""

import json
from collections import namedtuple
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from connectors.influxdb.device_fields import DeviceFields
from connectors.influxdb.points import point
from connectors.influxdb.reader import InfluxDBReader
from connectors.influxdb.writer import InfluxDBWriter
from connectors.kafka import clients
from connectors.kafka.follower import followed
from headrace.late_data.influxdb_windows import StoredWindows
from headrace.late_data.summary import Window
from headrace.reconciliation.stores import InfluxDBPoints, Point
from schemas.topics import DEVICES, TELEMETRY_READINGS
from stack.supervision import Supervision
from tests.end_to_end.waiting import eventually

Row = namedtuple("Row", "key value")


@pytest.fixture
def bootstrap(broker):
    return broker.endpoints.kafka


def row(device, site):
    return device.encode(), json.dumps({"device": device, "site": site, "__deleted": "false"}).encode()


@contextmanager
def transaction(bootstrap, *rows, commit=True):
    """Rows as Kafka Connect writes them; the transaction stays open inside the block."""
    producer = clients.transactional_producer(bootstrap, client_id="test", transactional_id="test-devices")
    producer.init_transactions()
    producer.begin_transaction()
    for key, value in rows:
        producer.send(DEVICES.name, key=key, value=value)
    producer.flush()
    yield
    (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.close()


def put(bootstrap, *rows, commit=True):
    with transaction(bootstrap, *rows, commit=commit):
        pass


def test_an_empty_topic_is_followed_at_once(bootstrap):
    fields = DeviceFields()
    with followed(bootstrap, DEVICES, fields.take):
        assert fields.of("pump") == ""
        put(bootstrap, row("pump", "Berlin"))
        eventually(lambda: fields.of("pump") == ',site="Berlin"')


def test_what_is_committed_is_known_from_the_beginning_and_changes_come(bootstrap):
    put(bootstrap, row("a", "Berlin"), row("b", "Bonn"), row("gone", "Bonn"), (b"a", b"\xff garbage"))
    put(bootstrap, row("a", "Atlantis"), commit=False)
    put(bootstrap, row("b", "Köln"), (b"gone", None))

    fields = DeviceFields()
    with followed(bootstrap, DEVICES, fields.take) as devices:
        known = {device: fields.of(device) for device in ("a", "b", "gone")}
        assert known == {"a": ',site="Berlin"', "b": ',site="Köln"', "gone": ""}
        assert fields.unusable_rows == 1
        put(bootstrap, row("a", "Ulm"), (b"b", None))
        eventually(lambda: (fields.of("a"), fields.of("b")) == (',site="Ulm"', ""))
        devices.raise_if_ended()


def test_an_open_transaction_holds_nothing_up(bootstrap):
    fields = DeviceFields()
    with transaction(bootstrap, row("later", "Jena")), followed(bootstrap, DEVICES, fields.take):
        assert (fields.of("a"), fields.of("later")) == (',site="Ulm"', "")
    with followed(bootstrap, DEVICES, fields.take):
        assert fields.of("later") == ',site="Jena"'


def test_a_missing_topic_is_said_with_what_makes_it(bootstrap):
    with (
        pytest.raises(clients.MissingTopics, match="headrace up"),
        followed(bootstrap, replace(DEVICES, name="devices.missing"), DeviceFields().take),
    ):
        pass


def test_a_killed_broker_leaves_what_was_known_and_what_comes_after_it_is_read(broker, bootstrap):
    fields = DeviceFields()
    with followed(bootstrap, DEVICES, fields.take) as devices:
        known = fields.of("a")
        psutil.Process(Supervision(broker.layout).process("kafka")["pid"]).kill()
        eventually(lambda: not clients.reachable(bootstrap))
        assert fields.of("a") == known == ',site="Ulm"'
        eventually(lambda: clients.ready(bootstrap))
        put(bootstrap, row("a", "Trier"))
        eventually(lambda: fields.of("a") == ',site="Trier"')
        devices.raise_if_ended()


MINUTE = 1719800040000
POSITION = {"topic": "telemetry.raw", "partition": 0, "offset": 1}
SITES = ["Köln", 'the "old" works', "C:\\plant\\", "two\nlines", "a,b=c d", ""]


@pytest.fixture(scope="module")
def stored(broker):
    """A reading of each of some devices, with the site of each, and one of a device that is not known."""
    fields, lines = DeviceFields(), []
    for number, site in enumerate([*SITES, None]):
        fields.take([Row(*row(f"dev-{number}", site))])
        measured = {"metric": "flow", "event_time": MINUTE + number, "value": 1.5, "position": POSITION}
        record = json.dumps({"device": f"dev-{number}", **measured}).encode()
        lines.append(point(TELEMETRY_READINGS.name, record, fields.of))
    assert InfluxDBWriter.connect(broker.endpoints).write(lines) == [None] * len(lines)
    return InfluxDBReader.connect(broker.endpoints)


def test_influxdb_has_each_text_as_it_was_and_none_of_a_device_that_is_not_known(stored):
    query = (
        f'from(bucket: "{stored.bucket}") |> range(start: 2010-01-01T00:00:00Z)'
        ' |> filter(fn: (r) => r._measurement == "reading" and r._field == "site")'
    )
    # InfluxDB writes a line break in CSV as two characters.
    found = {row["device"]: row["_value"].replace("\r\n", "\n") for row in stored.rows(query)}
    assert found == {f"dev-{number}": site for number, site in enumerate(SITES)}


def test_windows_are_corrected_and_the_balance_is_taken_by_values_alone(stored):
    (found,) = StoredWindows(stored).of([Window("dev-0", "flow", "1m", MINUTE)])
    assert (found.readings, found.point) == ({MINUTE: 1.5}, None)
    points = sorted(InfluxDBPoints(stored).points(MINUTE, MINUTE + 60_000))
    assert points == [Point(f"dev-{number}", "flow", MINUTE + number, 1.5) for number in range(len(SITES) + 1)]
