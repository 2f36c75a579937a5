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


def record(topic="spBv1.0/plant/NCMD/press", payload=b"\x08\xff"):
    command = DeviceCommand(device="plant/press", topic=topic, payload=payload, source="plant", position=POSITION)
    return SimpleNamespace(value=command.model_dump_json().encode())


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
    publisher.take([SimpleNamespace(value=b"{}"), SimpleNamespace(value=None), record()])
    publisher.publish()
    assert len(broker.published) == 1
    assert caplog.text.count("is no command") == 2
