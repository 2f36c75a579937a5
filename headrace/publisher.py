"""Publishes payloads over MQTT with QoS 1 and knows which of them the broker has acknowledged."""

import threading
import time

import paho.mqtt.client as mqtt

from connectors.endpoints import Endpoints
from connectors.mqtt_login import log_in
from schemas.errors import TransientError

MAX_IN_FLIGHT = 2000
ACKNOWLEDGED_WITHIN_S = 60.0


class MqttUnavailable(TransientError):
    """No MQTT broker takes a connection."""


class NotAcknowledged(TransientError):
    """The broker did not acknowledge everything in time."""


class Publisher:
    """One MQTT client. `publish` blocks while too many messages wait for their acknowledgement.

    Parameters
    ----------
    max_in_flight
        Messages that may wait.
    within_s
        How long `publish` waits for room among them.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        client_id: str = "",
        max_in_flight: int = MAX_IN_FLIGHT,
        within_s: float = ACKNOWLEDGED_WITHIN_S,
    ) -> None:
        self._within_s = within_s
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        # Of paho's own limit each acknowledgement costs a walk over all messages in flight; `_room` limits for nothing.
        self._client.max_inflight_messages_set(0)
        self._client.max_queued_messages_set(0)
        self._room = threading.Semaphore(max_in_flight)
        self._client.on_publish = self._on_publish
        self.sent = 0
        self.acknowledged = 0
        log_in(self._client, endpoints)
        host, port = endpoints.mqtt_host, endpoints.mqtt_port
        try:
            self._client.connect(host, port)
        except OSError as error:
            raise MqttUnavailable(
                f"No MQTT broker answers at {host}:{port} ({error}). Start one:  headrace up"
            ) from error
        self._client.loop_start()

    def publish(self, device: str, payload: bytes, topic: str | None = None) -> None:
        """Sends one payload to fleet/{device}/telemetry, or to `topic`.

        Raises
        ------
        NotAcknowledged
            When the broker has acknowledged none of those in flight for too long.
        """
        if not self._room.acquire(timeout=self._within_s):
            self._client.disconnect()
            self._client.loop_stop()
            raise NotAcknowledged(
                f"the broker has acknowledged {self.acknowledged} of {self.sent} messages and none for "
                f"{self._within_s:.0f} s: send the others again"
            )
        self.sent += 1
        self._client.publish(topic or f"fleet/{device}/telemetry", payload, qos=1)

    def close(self, within_s: float = ACKNOWLEDGED_WITHIN_S) -> None:
        """Waits for all acknowledgements.

        Raises
        ------
        NotAcknowledged
            When they do not come.
        """
        deadline = time.monotonic() + within_s
        while self.acknowledged < self.sent and time.monotonic() < deadline:
            time.sleep(0.01)
        self._client.disconnect()
        self._client.loop_stop()
        if self.acknowledged < self.sent:
            missing = self.sent - self.acknowledged
            raise NotAcknowledged(f"the broker has not acknowledged {missing} of {self.sent} messages: send them again")

    def _on_publish(self, *_: object) -> None:
        self.acknowledged += 1
        self._room.release()


class Pace:
    """Holds a loop to `rate` turns a second, without drift; rate 0 means as fast as it goes."""

    def __init__(self, rate: float) -> None:
        self._interval_s = 1 / rate if rate else 0.0
        self._next = time.monotonic()

    def wait(self) -> None:
        """Returns when the next turn is due."""
        self._next += self._interval_s
        pause_s = self._next - time.monotonic()
        if pause_s > 0:
            time.sleep(pause_s)
