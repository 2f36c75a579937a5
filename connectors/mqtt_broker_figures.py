"""What the MQTT broker says of itself under $SYS: clients, sessions, what waits, what it dropped. Mosquitto's names."""

import threading
from dataclasses import dataclass
from typing import Any

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
"""Retained, and never expires. Subscribed after the figures, its message ends the wait for theirs."""

WITHIN_S = 10.0
AFTER_ANSWER_S = 1.0
"""How long retained messages may come after the answer to the subscription. Brokers without $SYS send none."""


@dataclass(frozen=True)
class MqttBrokerFigures:
    """Since the broker started, or as it published them last (Mosquitto: each 5 s).

    None: the broker does not say. Mosquitto publishes a figure when it changes and lets it expire after 60 s; other
    brokers have no such topics, or refuse the subscription.
    """

    connected: int | None
    sessions: int | None
    """Of clients that are connected, and of those that the broker keeps messages for."""
    waiting: int | None
    """Messages that some session has not acknowledged yet; where the broker does not say how many of those that it
    stores are retained ones, these are among them."""
    waiting_bytes: int | None
    dropped: int | None
    """Messages that a session did not get, since its queue was full."""


def mqtt_broker_figures(endpoints: Endpoints) -> MqttBrokerFigures:
    """Ask the broker. Raises OSError when it does not answer, or refuses us, and UnusableCertificates."""
    found = _retained(endpoints)
    stored = found.get(STORED)
    return MqttBrokerFigures(
        connected=found.get(CONNECTED),
        sessions=found.get(SESSIONS),
        waiting=None if stored is None else max(0, stored - found.get(RETAINED, 0)),
        waiting_bytes=found.get(STORED_BYTES),
        dropped=found.get(DROPPED),
    )


def figure(payload: bytes) -> int | None:
    """The count that Mosquitto publishes, or None for what is none: other brokers may use the topic otherwise.

    >>> figure(b"170"), figure(b"2 seconds"), figure(b"")
    (170, None, None)
    """
    return int(payload) if payload.isdigit() else None


class _Asking:
    """One question: what came until it was answered, and how it was."""

    def __init__(self, client: mqtt.Client) -> None:
        self.found: dict[str, int] = {}
        self.refusal = ""
        self.subscribed = threading.Event()
        """Or refused, or disconnected for having asked: no more answer comes."""
        self.answered = threading.Event()
        self._connected = False
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_message, client.on_disconnect = self._on_message, self._on_disconnect

    def wait(self) -> None:
        """Raises TimeoutError and ConnectionRefusedError."""
        if not self.subscribed.wait(WITHIN_S):
            raise TimeoutError(f"it answered no subscription within {WITHIN_S} s")
        if self.refusal:
            raise ConnectionRefusedError(f"it refuses us: {self.refusal}. Check HEADRACE_MQTT_USER and _PASSWORD")
        self.answered.wait(AFTER_ANSWER_S)

    def _on_connect(self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refusal = str(reason)
            self._end()
            return
        self._connected = True
        client.subscribe([(topic, mqtt.SubscribeOptions()) for topic in (*FIGURES, VERSION)])

    def _on_subscribe(self, _client: mqtt.Client, _userdata: Any, _mid: int, codes: Any, _properties: Any) -> None:
        self.subscribed.set()
        if all(code.is_failure for code in codes):
            self._end()

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == VERSION:
            self._end()
        elif (count := figure(message.payload)) is not None:
            self.found[message.topic] = count

    def _on_disconnect(self, _client: mqtt.Client, _userdata: Any, _flags: Any, _reason: Any, _props: Any) -> None:
        if self._connected:
            self._end()

    def _end(self) -> None:
        self.answered.set()
        self.subscribed.set()


def _retained(endpoints: Endpoints) -> dict[str, int]:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    asking = _Asking(client)
    log_in(client, endpoints)
    client.connect(endpoints.mqtt_host, endpoints.mqtt_port)
    client.loop_start()
    try:
        asking.wait()
        return dict(asking.found)
    finally:
        client.disconnect()
        client.loop_stop()
