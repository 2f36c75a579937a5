"""What the MQTT broker says of itself under $SYS: clients, sessions, what waits, what it dropped. Mosquitto's names."""

import threading
from dataclasses import dataclass

import paho.mqtt.client as mqtt

from connectors.endpoints import Endpoints
from connectors.mqtt_login import log_in

CONNECTED = "$SYS/broker/clients/connected"
SESSIONS = "$SYS/broker/clients/total"
STORED = "$SYS/broker/store/messages/count"
STORED_BYTES = "$SYS/broker/store/messages/bytes"
RETAINED = "$SYS/broker/retained messages/count"
DROPPED = "$SYS/broker/publish/messages/dropped"
FIGURES = (CONNECTED, SESSIONS, STORED, STORED_BYTES, RETAINED, DROPPED)

VERSION = "$SYS/broker/version"
"""Always retained. Subscribed after the figures, its message ends the wait for theirs: one that never changed is not
published, and counts as 0."""

WITHIN_S = 10.0


@dataclass(frozen=True)
class MqttBrokerFigures:
    """Since the broker started, or as it published them last (Mosquitto: each 5 s)."""

    connected: int
    sessions: int
    """Of clients that are connected, and of those that the broker keeps messages for."""
    waiting: int
    """Messages that some session has not acknowledged yet."""
    waiting_bytes: int
    dropped: int
    """Messages that a session did not get, since its queue was full."""


def mqtt_broker_figures(endpoints: Endpoints) -> MqttBrokerFigures:
    """Ask the broker. Raises OSError when it does not answer, or refuses us, and UnusableCertificates."""
    found = _retained(endpoints)
    return MqttBrokerFigures(
        connected=found.get(CONNECTED, 0),
        sessions=found.get(SESSIONS, 0),
        waiting=max(0, found.get(STORED, 0) - found.get(RETAINED, 0)),
        waiting_bytes=found.get(STORED_BYTES, 0),
        dropped=found.get(DROPPED, 0),
    )


def _retained(endpoints: Endpoints) -> dict[str, int]:
    answered, found, refusals = threading.Event(), dict[str, int](), list[str]()

    def on_connect(client: mqtt.Client, _userdata: object, _flags: object, reason: mqtt.ReasonCode, _: object) -> None:
        if reason.is_failure:
            refusals.append(str(reason))
            answered.set()
            return
        for topic in (*FIGURES, VERSION):
            client.subscribe(topic)

    def on_message(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == VERSION:
            answered.set()
        else:
            found[message.topic] = int(message.payload)

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect, client.on_message = on_connect, on_message
    log_in(client, endpoints)
    client.connect(endpoints.mqtt_host, endpoints.mqtt_port)
    client.loop_start()
    try:
        if not answered.wait(WITHIN_S):
            raise TimeoutError(f"it published no {VERSION} within {WITHIN_S} s")
        if refusals:
            raise ConnectionRefusedError(f"it refuses us: {refusals[0]}. Check HEADRACE_MQTT_USER and _PASSWORD")
        return found
    finally:
        client.disconnect()
        client.loop_stop()
