"""Commands of telemetry.commands at the MQTT broker."""

from types import SimpleNamespace

from connectors.mqtt_bridge.commands import CommandPublisher
from schemas.device_command import DeviceCommand
from schemas.record import Position

POSITION = Position(topic="telemetry.raw", partition=0, offset=7)


class Broker:
    def __init__(self, connected=True):
        self.connected, self.published = connected, []

    def is_connected(self):
        return self.connected

    def publish(self, topic, payload, qos):
        self.published.append((topic, payload, qos))


def as_record(value, offset=0):
    return SimpleNamespace(value=value, partition=0, offset=offset)


def record(topic="spBv1.0/plant/NCMD/press", payload=b"\x08\xff"):
    command = DeviceCommand(device="plant/press", topic=topic, payload=payload, source="plant", position=POSITION)
    return as_record(command.model_dump_json().encode())


def test_a_command_is_published_once_with_its_bytes():
    broker = Broker()
    publisher = CommandPublisher(broker)
    publisher.take([record(), record("spBv1.0/plant/NCMD/drill", b"")])
    publisher.publish()
    publisher.publish()
    assert broker.published == [("spBv1.0/plant/NCMD/press", b"\x08\xff", 0), ("spBv1.0/plant/NCMD/drill", b"", 0)]


def test_commands_wait_for_a_broker_that_is_not_there():
    broker = Broker(connected=False)
    publisher = CommandPublisher(broker)
    publisher.take([record()])
    publisher.publish()
    assert broker.published == []
    broker.connected = True
    publisher.publish()
    assert len(broker.published) == 1


def test_a_record_that_is_no_command_is_passed_over(caplog):
    broker = Broker()
    publisher = CommandPublisher(broker)
    publisher.take([as_record(b"{}", 3), as_record(None, 4), record()])
    publisher.publish()
    assert len(broker.published) == 1
    assert caplog.text.count("is no command") == 2
    skipped = [line for line in caplog.records if line.levelname == "WARNING"]
    assert [(line.topic, line.partition, line.offset) for line in skipped] == [
        ("telemetry.commands", 0, 3),
        ("telemetry.commands", 0, 4),
    ]
