"""The next live messages from an MQTT broker, by a subscriber of its own: no session and no bridge is touched."""

import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from connectors.endpoints import Endpoints
from connectors.mqtt_login import log_in
from schemas.errors import TransientError

MAX_WAITING = 1000
"""Messages that wait to be shown; later ones are dropped: nobody reads them so quickly."""


class BrokerUnavailable(TransientError):
    """Raised where no MQTT broker answers, or it refuses the subscription. Transient: it may answer later."""


class LiveMessage(NamedTuple):
    """A message as the broker delivered it."""

    topic: str
    payload: bytes
    is_retained: bool


def new_client() -> mqtt.Client:
    """Of MQTT 5, with a client id that the broker chooses, and a session that ends with the connection."""
    return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)


def live_messages(
    endpoints: Endpoints,
    filters: Sequence[str],
    within_s: float,
    client_of: Callable[[], Any] = new_client,
) -> Iterator[LiveMessage]:
    """Messages of the filters as they come, until none has come for a while. They are not acknowledged (QoS 0).

    Parameters
    ----------
    endpoints
        The broker's address, and with whose user and password.
    within_s
        How long to wait for the next message.
    client_of
        Makes the MQTT client.

    Raises
    ------
    BrokerUnavailable
    UnusableCertificates
    """
    arrived: queue.Queue[LiveMessage | BrokerUnavailable] = queue.Queue(MAX_WAITING)
    client = client_of()
    log_in(client, endpoints)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: (
        _put(arrived, _refused_login(reason))
        if reason.is_failure
        else client.subscribe([(each, SubscribeOptions(qos=0)) for each in filters])
    )
    client.on_message = lambda _client, _data, message: _put(arrived, _live(message))
    client.on_subscribe = lambda _client, _data, _id, reasons, _properties: _put_refusal(arrived, filters, reasons)
    try:
        client.connect(endpoints.mqtt_host, endpoints.mqtt_port)
    except OSError as error:
        address = f"{endpoints.mqtt_host}:{endpoints.mqtt_port}"
        raise BrokerUnavailable(f"No MQTT broker answers at {address} ({error}). Start one:  headrace up") from None
    client.loop_start()
    try:
        yield from _until_silence(arrived, within_s)
    finally:
        client.disconnect()
        client.loop_stop()


def _until_silence(arrived: "queue.Queue[LiveMessage | BrokerUnavailable]", within_s: float) -> Iterator[LiveMessage]:
    while True:
        try:
            message = arrived.get(timeout=within_s)
        except queue.Empty:
            return
        if isinstance(message, BrokerUnavailable):
            raise message
        yield message


def _live(message: Any) -> LiveMessage:
    return LiveMessage(message.topic, message.payload, message.retain)


def _put(arrived: "queue.Queue[Any]", message: object) -> None:
    if not arrived.full():
        arrived.put(message)


def _refused_login(reason: Any) -> BrokerUnavailable:
    return BrokerUnavailable(
        f"the MQTT broker refuses the connection: {reason}. Check HEADRACE_MQTT_USER and HEADRACE_MQTT_PASSWORD"
    )


def _put_refusal(arrived: "queue.Queue[Any]", filters: Sequence[str], reasons: Sequence[Any]) -> None:
    refused = [each for each, reason in zip(filters, reasons, strict=False) if reason.is_failure]
    if refused:
        _put(arrived, BrokerUnavailable(f"the MQTT broker refuses the subscription to {', '.join(refused)}"))
