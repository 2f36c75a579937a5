"""Who the bridge is to the MQTT broker: one persistent session, subscribed anew on every connect."""

import logging
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from connectors.endpoints import Endpoints
from connectors.mqtt_bridge.buffered_socket import BufferingClient
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.subscriptions import Subscription, Subscriptions
from connectors.mqtt_login import log_in
from schemas.errors import TerminalError

log = logging.getLogger(__name__)

NEW_SUBSCRIPTION_ONLY = 1
"""Retain handling: retained messages come with a new subscription, not with every reconnect."""

SESSION_TAKEN_OVER = 0x8E
# MQTT 5, 3.2.2.2: what no second attempt changes.
REFUSED_FOR_GOOD = {
    0x84: "it does not speak MQTT 5",
    0x85: "it does not take this client id",
    0x86: "it does not know this user and password",
    0x87: "this user may not connect",
    0x8A: "it has banned this client",
    0x8C: "it wants another kind of authentication",
}
# 3.9.3.
SUBSCRIPTION_REFUSED_FOR_GOOD = {
    0x87: "this user may not read it",
    0x8F: "it takes no such topic filter",
    0x9E: "it has no shared subscriptions",
    0xA1: "it has no subscription identifiers, which filters that overlap need",
    0xA2: "it has no wildcards",
}


class BrokerRefuses(TerminalError):
    """Raised where the MQTT broker refuses the bridge as it is configured.

    Terminal: the configuration has to be changed.
    """


class SubscribingClient(Protocol):
    """What the session needs of paho's client; assignable, as paho's callbacks are."""

    on_connect: Any
    on_subscribe: Any
    on_unsubscribe: Any
    on_disconnect: Any

    def subscribe(self, topic: str, *, options: SubscribeOptions, properties: Properties | None) -> Any: ...
    def unsubscribe(self, topic: list[str]) -> Any: ...
    def disconnect(self) -> Any: ...


def mqtt_client(settings: BridgeSettings, endpoints: Endpoints) -> BufferingClient:
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
    log_in(client, endpoints)
    # clean_start on the first connect only, paho's default, would throw the queue away that the broker kept for us.
    client.connect_async(
        endpoints.mqtt_host,
        endpoints.mqtt_port,
        keepalive=settings.keepalive_s,
        clean_start=False,
        properties=properties,
    )
    return client


class Session:
    """Keeps the subscriptions, and knows whether they stand.

    Parameters
    ----------
    client
        paho's client, or one in memory.
    subscriptions
        What the session is subscribed to; what else it was subscribed to ends with `forget`.
    """

    def __init__(self, client: SubscribingClient, settings: BridgeSettings, subscriptions: Subscriptions) -> None:
        self._client = client
        self._settings = settings
        self._subscriptions = subscriptions
        self._asked: dict[int, Subscription] = {}
        self.stale: frozenset[str] = frozenset()
        """Filters of earlier runs that the broker still has for this session."""
        self._unsubscribing: dict[int, frozenset[str]] = {}
        self.connected = False
        self.subscribed = False
        self.is_new = False
        """Whether the broker had no session of ours at the last connect."""
        self.refused: TerminalError | None = None
        """Why no further attempt is of any use."""
        self.connections = 0
        self.taken_over = 0
        """How often the broker said that another client with our client id had connected."""
        self.when_lost: Callable[[], None] = lambda: None
        """Called when packet identifiers lose their meaning."""
        self.when_subscribed: Callable[[bool], None] = lambda is_new: None
        """Called when all subscriptions stand; `is_new`: the broker had no session of ours before."""
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_disconnect = self._on_disconnect

    def require_accepted(self) -> None:
        """Check that the broker has not refused the session for good.

        Raises
        ------
        BrokerRefuses
            When another attempt would fail for the same reason.
        """
        if self.refused is not None:
            raise self.refused

    def untrusted(self, error: ssl.SSLCertVerificationError) -> None:
        """The TLS handshake showed another certificate than one we trust."""
        self.refused = BrokerRefuses(
            f"The MQTT broker's certificate is not trusted: {error.verify_message}. Name the file that signs it in "
            "HEADRACE_MQTT_CA_FILE, and the host that it is made out to in HEADRACE_MQTT_HOST."
        )

    def forget(self, filters: Iterable[str]) -> None:
        """End subscriptions of earlier runs: a persistent session keeps them, whatever the sources are now."""
        self.stale = frozenset(filters) - frozenset(self._subscriptions.filters)
        if self.connected:
            self._unsubscribe()

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        self._lost()
        if reason_code.is_failure:
            self._refuse_connection(reason_code)
            return
        self.connected = True
        self.connections += 1
        self.is_new = not flags.session_present
        if self.is_new:
            self.stale = frozenset()
            log.info("Connected to the MQTT broker, which had no session of %s.", self._settings.client_id)
        else:
            log.info("Connected to the MQTT broker, which kept our session.")
        for subscription in self._subscriptions.all:
            self._subscribe(subscription)
        self._unsubscribe()

    def _refuse_connection(self, reason_code: Any) -> None:
        why = REFUSED_FOR_GOOD.get(reason_code.value)
        if why is None:
            log.error("The MQTT broker refuses the connection: %s. Trying again.", reason_code)
            return
        self.refused = BrokerRefuses(
            f"The MQTT broker refuses the bridge {self._settings.client_id}: {why} ({reason_code}). Check "
            "HEADRACE_MQTT_USER, HEADRACE_MQTT_PASSWORD and HEADRACE_BRIDGE_CLIENT_ID, then start the bridge again."
        )

    def _subscribe(self, subscription: Subscription) -> None:
        options = SubscribeOptions(qos=1, retainHandling=NEW_SUBSCRIPTION_ONLY)
        properties = None
        if subscription.identifier is not None:
            properties = Properties(PacketTypes.SUBSCRIBE)  # type: ignore[no-untyped-call]
            properties.SubscriptionIdentifier = subscription.identifier
        _, mid = self._client.subscribe(subscription.filter, options=options, properties=properties)
        self._asked[mid] = subscription

    def _unsubscribe(self) -> None:
        if self.stale:
            _, mid = self._client.unsubscribe(sorted(self.stale))
            self._unsubscribing[mid] = self.stale

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reason_codes: Sequence[Any], properties: Any) -> None:
        asked = self._asked.pop(mid, None)
        if asked is None:
            return
        refused = [code for code in reason_codes if code.is_failure]
        if refused:
            self._refuse_subscription(asked, refused[0])
        elif not self._asked and self.refused is None:
            self.subscribed = True
            self.when_subscribed(self.is_new)

    def _refuse_subscription(self, asked: Subscription, reason_code: Any) -> None:
        what, who = asked.filter, self._settings.client_id
        why = SUBSCRIPTION_REFUSED_FOR_GOOD.get(reason_code.value)
        if why is None:
            log.error("The MQTT broker refuses the subscription to %s: %s. Trying again.", what, reason_code)
        else:
            self.refused = BrokerRefuses(
                f"The MQTT broker refuses {who} the subscription to {what}: {why} ({reason_code}). Allow it in the "
                "broker's access list, or change the sources (HEADRACE_SOURCES), then start the bridge again."
            )
        self._client.disconnect()  # the loop connects and asks again, or ends

    def _on_unsubscribe(self, client: Any, userdata: Any, mid: int, reason_codes: Any, properties: Any) -> None:
        ended = self._unsubscribing.pop(mid, frozenset())
        self.stale -= ended
        if ended:
            log.info("Unsubscribed from %s, which no source names any more.", ", ".join(sorted(ended)))

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if reason_code.value == SESSION_TAKEN_OVER:
            self.taken_over += 1
            log.error(
                "Another client has connected to the MQTT broker with our client id, %s. Give each its own.",
                self._settings.client_id,
            )
        elif self.connected:
            log.warning("The connection to the MQTT broker ended: %s.", reason_code)
        self._lost()

    def _lost(self) -> None:
        self.connected = False
        self.subscribed = False
        self._asked.clear()
        self._unsubscribing.clear()
        self.when_lost()
