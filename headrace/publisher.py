"""Publishes payloads over MQTT with QoS 1 and knows which of them the broker has acknowledged."""

import socket
import ssl
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt

from connectors.endpoints import Endpoints
from connectors.mqtt_login import log_in
from schemas.errors import TerminalError, TransientError

MAX_IN_FLIGHT = 2000
ACKNOWLEDGED_WITHIN_S = 60.0
ANSWERS_WITHIN_S = 10.0
"""A broker answers CONNECT within milliseconds."""

# MQTT 5, 3.2.2.2, and those of them that paho makes of MQTT 3.1.1.
_UNKNOWN_USER = (0x86, 0x87)


class MqttUnavailable(TransientError):
    """Raised where no MQTT broker takes a connection. Transient: it may do so later."""


class MqttRefuses(TerminalError):
    """Raised where the MQTT broker refuses the connection or what is published: user, password, rights, TLS.

    Terminal: one of them has to be changed.
    """


class NotAcknowledged(TransientError):
    """Raised where the broker did not acknowledge everything in time. Transient: what is missing can be sent again."""


class Publisher:
    """One MQTT client. `publish` blocks while too many messages wait for their acknowledgement.

    Parameters
    ----------
    max_in_flight
        Messages that may wait.
    within_s
        How long `publish` waits for room among them.
    answers_within_s
        How long the broker may take to accept the connection.

    Raises
    ------
    MqttUnavailable
        No broker listens there, or none can be reached.
    MqttRefuses
        The broker knows no such user, or shows a certificate that nobody we trust has signed.
    UnusableCertificates
    """

    def __init__(
        self,
        endpoints: Endpoints,
        client_id: str = "",
        max_in_flight: int = MAX_IN_FLIGHT,
        within_s: float = ACKNOWLEDGED_WITHIN_S,
        answers_within_s: float = ANSWERS_WITHIN_S,
    ) -> None:
        self._within_s = within_s
        self._endpoints = endpoints
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        # Of paho's own limit each acknowledgement costs a walk over all messages in flight; `_room` limits for nothing.
        self._client.max_inflight_messages_set(0)
        self._client.max_queued_messages_set(0)
        self._room = threading.Semaphore(max_in_flight)
        self._answered = threading.Event()
        self._refusal: Exception | None = None
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self.sent = 0
        self.acknowledged = 0
        log_in(self._client, endpoints)
        self._connect(answers_within_s)

    def _connect(self, answers_within_s: float) -> None:
        host, port = self._endpoints.mqtt_host, self._endpoints.mqtt_port
        try:
            self._client.connect(host, port)
        except OSError as error:
            raise _no_connection(error, host, port) from error
        self._client.loop_start()
        if not self._answered.wait(answers_within_s):
            self._leave()
            raise MqttUnavailable(
                f"{host}:{port} takes connections and does not answer as an MQTT broker does. Check HEADRACE_MQTT_HOST "
                "and HEADRACE_MQTT_PORT, and HEADRACE_MQTT_TLS where the broker wants TLS"
            )
        self._require_accepted()

    def publish(self, device: str, payload: bytes, topic: str | None = None) -> None:
        """Sends one payload to fleet/{device}/telemetry, or to `topic`.

        Raises
        ------
        NotAcknowledged
            When the broker has acknowledged none of those in flight for too long.
        MqttRefuses
            When it has refused one.
        """
        self._require_accepted()
        if not self._room.acquire(timeout=self._within_s):
            self._leave()
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
        MqttRefuses
            When the broker has refused a message.
        """
        deadline = time.monotonic() + within_s
        while self.acknowledged < self.sent and self._refusal is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self._leave()
        self._require_accepted()
        if self.acknowledged < self.sent:
            missing = self.sent - self.acknowledged
            raise NotAcknowledged(f"the broker has not acknowledged {missing} of {self.sent} messages: send them again")

    def _leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _require_accepted(self) -> None:
        if self._refusal is not None:
            self._leave()
            raise self._refusal

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if reason_code.is_failure:
            self._refusal = _refused_connection(reason_code, self._endpoints)
        self._answered.set()

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if reason_code.is_failure:
            self._refusal = self._refusal or MqttRefuses(
                f"The MQTT broker refuses what is published after {self.acknowledged:,} messages: {reason_code}. "
                f"Let {_who(self._endpoints)} publish to the topic in the broker's access list"
            )
        else:
            self.acknowledged += 1
        self._room.release()


def _who(endpoints: Endpoints) -> str:
    return "clients without a user" if endpoints.mqtt_user is None else f"the user {endpoints.mqtt_user}"


def _no_connection(error: OSError, host: str, port: int) -> MqttUnavailable | MqttRefuses:
    """What is wrong with a connection that was never made, for a person."""
    where = f"{host}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return MqttUnavailable(f"No MQTT broker listens at {where}. Start one:  headrace up")
    if isinstance(error, ssl.SSLCertVerificationError):
        return MqttRefuses(
            f"The certificate of the MQTT broker at {where} is not trusted: {error.verify_message}. Name the file that "
            "signs it in HEADRACE_MQTT_CA_FILE, and the host that it is made out to in HEADRACE_MQTT_HOST"
        )
    if isinstance(error, ssl.SSLError):
        return MqttRefuses(
            f"The MQTT broker at {where} does not speak TLS as we do ({error.reason or error}). Check "
            "HEADRACE_MQTT_PORT and HEADRACE_MQTT_TLS"
        )
    if isinstance(error, socket.gaierror):
        return MqttUnavailable(f"The host {host} is not known ({error.strerror}). Check HEADRACE_MQTT_HOST")
    return MqttUnavailable(
        f"The MQTT broker at {where} cannot be reached ({error}). Check HEADRACE_MQTT_HOST, HEADRACE_MQTT_PORT and the "
        "network between"
    )


def _refused_connection(reason_code: Any, endpoints: Endpoints) -> MqttUnavailable | MqttRefuses:
    where = f"{endpoints.mqtt_host}:{endpoints.mqtt_port}"
    if reason_code.value in _UNKNOWN_USER:
        return MqttRefuses(
            f"The MQTT broker at {where} does not let {_who(endpoints)} in ({reason_code}). Set HEADRACE_MQTT_USER and "
            "HEADRACE_MQTT_PASSWORD to a user that it knows"
        )
    return MqttUnavailable(f"The MQTT broker at {where} refuses the connection: {reason_code}. Its log says why")


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
