"""An MQTT client and a Kafka producer in memory, for the bridge's constructor."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.subscriptions import Subscriptions

SETTINGS = BridgeSettings(http_port=0, max_inflight=10, max_payload_bytes=100)
SUBSCRIPTIONS = Subscriptions(["fleet/+/telemetry"])


@dataclass
class Message:
    payload: bytes = b"21.4"
    topic: str = "fleet/pump/telemetry"
    mid: int = 1
    qos: int = 1
    retain: bool = False
    dup: bool = False
    properties: Any = None


@dataclass
class Confirmation:
    is_done: bool = False
    exception: BaseException | None = None


@dataclass
class Sent:
    topic: str
    value: bytes
    key: bytes | None
    headers: list[tuple[str, bytes]]
    confirmation: Confirmation = field(default_factory=Confirmation)


class Producer:
    """Stores nothing by itself: the test says when. With `stores`, at once."""

    def __init__(self, stores: bool = False) -> None:
        self.sent: list[Sent] = []
        self._stores = stores

    def send(self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]) -> Confirmation:
        self.sent.append(Sent(topic, value, key, headers, Confirmation(is_done=self._stores)))
        return self.sent[-1].confirmation

    def poll(self) -> None:
        """Confirmations change when the test says so."""

    def store(self, *numbers: int) -> None:
        for number in numbers or range(len(self.sent)):
            self.sent[number].confirmation.is_done = True

    def refuse(self, number: int, error: Exception) -> None:
        self.sent[number].confirmation.exception = error
        self.sent[number].confirmation.is_done = True


class Client:
    """The callbacks and calls that the session, the bridge and the loop use, with a socket that is no socket."""

    on_message: Any = None
    on_connect: Any = None
    on_subscribe: Any = None
    on_unsubscribe: Any = None
    on_disconnect: Any = None

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.subscriptions: list[tuple[str, Any]] = []
        self.unsubscribed: list[list[str]] = []
        self.identifiers: list[int | None] = []
        self.disconnects = 0
        self.last_subscription = 0
        """Packet identifier of the last SUBSCRIBE."""
        self._mids = count(1)

    def ack(self, mid: int, qos: int) -> None:
        assert qos == 1
        self.acknowledged.append(mid)

    def subscribe(self, topic: str, *, options: Any, properties: Any) -> tuple[int, int]:
        self.subscriptions.append((topic, options))
        # paho holds a list: of one for SUBSCRIBE, of any for PUBLISH.
        (identifier,) = getattr(properties, "SubscriptionIdentifier", [None])
        self.identifiers.append(identifier)
        self.last_subscription = next(self._mids)
        return 0, self.last_subscription

    def unsubscribe(self, topic: list[str]) -> tuple[int, int]:
        self.unsubscribed.append(topic)
        return 0, next(self._mids)

    def disconnect(self) -> None:
        self.disconnects += 1


class Clock:
    """Moved by hand."""

    def __init__(self, now: float = 1_719_800_000_000) -> None:
        self.now = now

    def __call__(self) -> Any:
        return self.now
