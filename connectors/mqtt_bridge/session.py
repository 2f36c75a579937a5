"""Who the bridge is to the MQTT broker: one persistent session, subscribed anew on every connect."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from connectors.mqtt_bridge.buffered_socket import BufferingClient
from connectors.mqtt_bridge.settings import BridgeSettings

log = logging.getLogger(__name__)

NEW_SUBSCRIPTION_ONLY = 1
"""Retain handling: retained messages come with a new subscription, not with every reconnect."""


class SubscribingClient(Protocol):
    """What the session needs of paho's client; assignable, as paho's callbacks are."""

    on_connect: Any
    on_subscribe: Any
    on_disconnect: Any

    def subscribe(self, topic: str, *, options: SubscribeOptions) -> Any: ...
    def disconnect(self) -> Any: ...


def mqtt_client(settings: BridgeSettings, host: str, port: int) -> BufferingClient:
    """A client of the bridge's session that has not connected yet. Never sets Maximum Packet Size."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_s
    properties.ReceiveMaximum = settings.max_inflight
    client = BufferingClient(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=True,
    )
    # clean_start on the first connect only, paho's default, would throw the queue away that the broker kept for us.
    client.connect_async(host, port, keepalive=settings.keepalive_s, clean_start=False, properties=properties)
    return client


class Session:
    """Keeps the subscription, and knows whether it stands."""

    def __init__(self, client: SubscribingClient, settings: BridgeSettings) -> None:
        self._client = client
        self._settings = settings
        self.connected = False
        self.subscribed = False
        self.connections = 0
        self.when_lost: Callable[[], None] = lambda: None
        """Called when packet identifiers lose their meaning."""
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        self._lost()
        if reason_code.is_failure:
            log.error("The MQTT broker refuses the connection: %s. Trying again.", reason_code)
            return
        self.connected = True
        self.connections += 1
        log.info(
            "Connected to the MQTT broker, %s.",
            "which kept our session" if flags.session_present else "which had no session of ours",
        )
        options = SubscribeOptions(qos=1, retainHandling=NEW_SUBSCRIPTION_ONLY)
        self._client.subscribe(self._settings.subscription, options=options)

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reason_codes: list[Any], properties: Any) -> None:
        refused = [code for code in reason_codes if code.is_failure]
        self.subscribed = not refused
        if refused:
            log.error(
                "The MQTT broker refuses the subscription to %s: %s. Allow it to %s in the broker's access list.",
                self._settings.subscription,
                refused[0],
                self._settings.client_id,
            )
            self._client.disconnect()  # the loop connects and asks again

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if self.connected:
            log.warning("The connection to the MQTT broker ended: %s.", reason_code)
        self._lost()

    def _lost(self) -> None:
        self.connected = False
        self.subscribed = False
        self.when_lost()
