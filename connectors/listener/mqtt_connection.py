"""One MQTT connection: what a server that only receives answers to each packet (MQTT 3.1.1 and 5, section 3)."""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from connectors import mqtt_packets as packets
from connectors.cloudevent_attributes import TooManyAttributes, headers_of_user_properties
from connectors.entrance_records import Header
from connectors.listener.connections import FOR_EVER, Connection, Connections
from connectors.listener.device_tokens import ANYBODY, DeviceTokens, Publisher
from connectors.listener.record_intake import RecordIntake
from connectors.mqtt_packets import MQTT_5, Connect, PacketError, PacketType, ReasonCode
from connectors.origins import Origin

log = logging.getLogger(__name__)

MAX_CONNECT_BYTES: Final = 64 * 1024
"""Of the first packet, which anybody may send."""
SESSIONS_REMEMBERED: Final = 100_000
KEEP_ALIVE_FACTOR: Final = 1.5
"""[MQTT-3.1.2-22] of MQTT 5, [MQTT-3.1.2-24] of MQTT 3.1.1."""

_PUBLISH: Final = PacketType.PUBLISH << 4
_FLAGS: Final = {PacketType.SUBSCRIBE: 0x2, PacketType.UNSUBSCRIBE: 0x2, PacketType.PUBREL: 0x2}
"""What the lower four bits of the first byte must be; 0 for the others (section 2.1.3)."""
_REASONS: Final = {
    "silent": ReasonCode.KEEP_ALIVE_TIMEOUT,
    "revoked": ReasonCode.NOT_AUTHORIZED,
    "stopping": ReasonCode.SERVER_SHUTTING_DOWN,
    "not_stored": ReasonCode.UNSPECIFIED_ERROR,
    "taken_over": ReasonCode.SESSION_TAKEN_OVER,
}


class MqttSessions:
    """Which client is connected where, and which clients asked to be remembered.

    A session holds nothing but its existence: there are no subscriptions. A client that is told that its session is
    gone may drop what it has not sent successfully [MQTT-3.2.2-5], so those that asked are remembered, the last ones.
    """

    def __init__(self, monotonic_s: Callable[[], float], capacity: int = SESSIONS_REMEMBERED) -> None:
        self._monotonic_s = monotonic_s
        self._capacity = capacity
        self._connected: dict[str, MqttConnection] = {}
        self._expiries_s: OrderedDict[str, float] = OrderedDict()

    def begin(self, connection: "MqttConnection", connect: Connect, client: str) -> bool:
        """Whether the client's session was there. A connection of the same client is ended [MQTT-3.1.4-3]."""
        before = self._connected.get(client)
        if before is not None:
            before.end_for("taken_over")
        self._connected[client] = connection
        expires_s = self._expiries_s.pop(client, None)
        if before is not None and before.session_expiry_s:
            expires_s = FOR_EVER
        return not connect.clean_start and expires_s is not None and self._monotonic_s() < expires_s

    def end(self, connection: "MqttConnection") -> None:
        """Its connection ended: the session stays for as long as the client asked."""
        client = connection.client
        if self._connected.get(client) is not connection:
            return
        del self._connected[client]
        if expiry_s := connection.session_expiry_s:
            if len(self._expiries_s) >= self._capacity:
                self._expiries_s.popitem(last=False)
            never = expiry_s == packets.NEVER_EXPIRES
            self._expiries_s[client] = FOR_EVER if never else self._monotonic_s() + expiry_s


class MqttConnection(Connection):
    """From CONNECT to the end. Bytes may come in any pieces."""

    protocol = "mqtt"

    def __init__(
        self, connections: Connections, intake: RecordIntake, tokens: DeviceTokens, sessions: MqttSessions
    ) -> None:
        super().__init__(connections)
        self.client = ""
        self.session_expiry_s = 0
        self.version = 0
        """0 until CONNECT was accepted."""
        self._intake = intake
        self._tokens = tokens
        self._sessions = sessions
        self._publisher: Publisher = ANYBODY
        self._partial = bytearray()
        self._needed = 0
        """Bytes of the packet that `_partial` begins with; 0 where its length is not known yet."""
        self._last_topic: bytes | None = None
        self._last_origin: Origin | None = None

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with whatever has come."""
        connections = self.connections
        if self.version:  # bytes that make no CONNECT do not prolong its time
            self.heard_s = connections.monotonic_s()
        if self._partial:
            self._partial += data
            connections.waiting_bytes += len(data)
            if len(self._partial) < self._needed:
                self.pause_if_full()
                return
            data = self._take_partial()
        try:
            self._read(data)
        except PacketError as error:
            self._end(error.reason, str(error))
        self.pause_if_full()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        self._take_partial()
        self._sessions.end(self)
        super().connection_lost(error)

    def end_for(self, why: str) -> None:
        """MQTT 5 says why (section 3.14.2.1)."""
        self._end(_REASONS[why], why)

    def is_revoked(self) -> bool:
        return bool(self.version) and not self._tokens.still_knows(self._publisher)

    def _take_partial(self) -> bytes:
        data = bytes(self._partial)
        self.connections.waiting_bytes -= len(data)
        self._partial.clear()
        self._needed = 0
        return data

    def _read(self, data: bytes) -> None:
        """Every packet that is whole; the beginning of the next one is kept. Raises PacketError."""
        at, end = 0, len(data)
        settings = self.connections.settings
        while at < end and self.closing_since_s is None:
            if not self.version and data[at] >> 4 != PacketType.CONNECT:  # [MQTT-3.1.0-1]
                raise PacketError(ReasonCode.PROTOCOL_ERROR, "a first packet that is not CONNECT")
            max_bytes = settings.max_packet_bytes if self.version else MAX_CONNECT_BYTES
            body = packets.packet_body(data, at, max_bytes)
            if body is None or body[1] > end:
                self._partial += data[at:]
                self._needed = body[1] - at if body else 0
                self.connections.waiting_bytes += end - at
                return
            start, stop = body
            first = data[at]
            if first & 0xF0 == _PUBLISH and self.version:
                self._publish(data, first & 0x0F, start, stop)
            else:
                self._packet(first, data, start, stop)
            at = stop

    def _publish(self, data: bytes, flags: int, start: int, stop: int) -> None:
        topic, packet_identifier, at = packets.read_publish(data, flags, start, stop, self.version)
        self.connections.received["mqtt"] += 1
        if topic != self._last_topic:
            self._meet(topic)
        origin, intake = self._last_origin, self._intake
        reply = packets.PUBACK_HEADER + packet_identifier.to_bytes(2) if packet_identifier else b""
        size = stop - at
        if origin is None or size > intake.max_payload_bytes:
            self._do_not_store(topic, data[at:stop], flags, packet_identifier, reply)
            return
        headers: list[Header] | tuple[()] = ()
        if origin.takes_attributes and self.version == MQTT_5:
            try:
                headers = headers_of_user_properties(*packets.read_attributes(data, flags, start, stop))
            except TooManyAttributes as error:
                self.wait(*intake.refuse(topic.decode(), self._login, data[at:stop], flags, str(error)), reply)
                return
        self.wait(intake.store(origin, data[at:stop], flags, headers), size, reply)

    @property
    def _login(self) -> str | None:
        """The device that authenticated."""
        return self._publisher.device

    def _meet(self, topic: bytes) -> None:
        """A topic that differs from the last one. Raises PacketError when it is invalid."""
        text = packets.topic_text(topic)
        origin = self._intake.origin(text, self._login)
        if origin is not None and not self._publisher.may_publish(text, origin.device):
            origin = None
        self._last_topic, self._last_origin = topic, origin

    def _do_not_store(self, topic: bytes, payload: bytes, flags: int, packet_identifier: int, reply: bytes) -> None:
        """A payload that is passed over or goes to the dead letters, or another device's topic. Raises PacketError."""
        text, intake = topic.decode(), self._intake
        origin = intake.origin(text, self._login)
        if origin is not None and not self._publisher.may_publish(text, origin.device):
            self._forbid(text, packet_identifier)
        elif origin is None and intake.ignores(text):
            intake.ignored += 1
            self.wait(None, 0, reply)
        else:
            too_large = f"{len(payload)} bytes, over {intake.max_payload_bytes}" if origin is not None else ""
            self.wait(*intake.refuse(text, self._login, payload, flags, too_large), reply)

    def _forbid(self, topic: str, packet_identifier: int) -> None:
        """A topic that is another device's. Raises PacketError."""
        self.connections.ended["not_authorized"] += 1
        if self.version != MQTT_5 or not packet_identifier:  # the only answer there is [MQTT-3.3.5-2]
            raise PacketError(ReasonCode.NOT_AUTHORIZED, f"{self._publisher.device!r} published to {topic!r}")
        self.wait(None, 0, packets.puback(packet_identifier, MQTT_5, ReasonCode.NOT_AUTHORIZED))

    def _packet(self, first: int, data: bytes, start: int, stop: int) -> None:
        packet_type = first >> 4
        if not self.version:
            self._connect(first, data, start, stop)
            return
        handle = _HANDLERS.get(packet_type)
        if handle is None:
            raise PacketError(ReasonCode.PROTOCOL_ERROR, f"packet type {packet_type}")
        if first & 0x0F != _FLAGS.get(PacketType(packet_type), 0):
            raise PacketError(ReasonCode.MALFORMED_PACKET, f"flags of packet type {packet_type}")
        handle(self, data, start, stop)

    def _connect(self, first: int, data: bytes, start: int, stop: int) -> None:
        """Answers CONNECT, and closes where the client is not welcome."""
        try:
            if first & 0x0F:
                raise PacketError(ReasonCode.MALFORMED_PACKET, "flags of CONNECT")
            connect = packets.read_connect(data, start, stop)
        except PacketError as error:
            version = packets.protocol_version(data, start, stop)
            if version == packets.MQTT_3_1_1 and error.reason is not ReasonCode.CLIENT_IDENTIFIER_NOT_VALID:
                raise  # closed without a CONNACK [MQTT-3.1.4-1]
            self._refuse_connection(version, error.reason)
            return
        publisher = self._tokens.authenticate(connect.user_name, connect.password)
        if publisher is None:
            none_shown = connect.password is None
            self._refuse_connection(
                connect.version, ReasonCode.NOT_AUTHORIZED if none_shown else ReasonCode.BAD_USER_NAME_OR_PASSWORD
            )
            return
        self._welcome(connect, publisher)

    def _welcome(self, connect: Connect, publisher: Publisher) -> None:
        settings = self.connections.settings
        assigned = "" if connect.client_identifier else f"headrace-{secrets.token_hex(10)}"
        # A client of one device cannot end that of another by taking its name.
        self.client = f"{publisher.device or ''}\0{connect.client_identifier or assigned}"
        self.session_expiry_s = connect.session_expiry_s
        present = self._sessions.begin(self, connect, self.client)
        self._publisher = publisher
        self.version = connect.version
        self.silence_s = connect.keep_alive_s * KEEP_ALIVE_FACTOR or FOR_EVER
        self.transport.write(
            packets.accepted(connect.version, present, settings.receive_maximum, settings.max_packet_bytes, assigned)
        )

    def _refuse_connection(self, version: int, reason: ReasonCode) -> None:
        self.connections.ended[reason.name.lower()] += 1
        self.close(packets.refused(version, reason))

    def _ping(self, data: bytes, start: int, stop: int) -> None:
        packets.Fields(data, start, stop).require_end()
        self.transport.write(packets.PINGRESP)

    def _subscribe(self, data: bytes, start: int, stop: int) -> None:
        identifier, filters = packets.read_subscribe(data, start, stop, self.version)
        self.transport.write(packets.suback(identifier, self.version, filters))

    def _unsubscribe(self, data: bytes, start: int, stop: int) -> None:
        identifier, filters = packets.read_unsubscribe(data, start, stop, self.version)
        self.transport.write(packets.unsuback(identifier, self.version, filters))

    def _disconnect(self, data: bytes, start: int, stop: int) -> None:
        expiry_s = packets.read_disconnect(data, start, stop, self.version)
        if expiry_s is not None:
            if expiry_s and not self.session_expiry_s:  # section 3.14.2.2.2
                raise PacketError(ReasonCode.PROTOCOL_ERROR, "a session that was not to be kept cannot be kept now")
            self.session_expiry_s = expiry_s
        self.close()

    def _end(self, reason: ReasonCode, detail: str) -> None:
        """With its reason, and nothing else: what waits is not acknowledged, so it comes again."""
        if self.transport.is_closing():
            return
        self.connections.ended[reason.name.lower()] += 1
        log.debug("Ended a connection: %s.", detail, extra={"device": self._publisher.device})
        self.close(packets.disconnect(reason) if self.version == MQTT_5 else b"")


_HANDLERS: Final[dict[int, Callable[[MqttConnection, bytes, int, int], None]]] = {
    PacketType.PINGREQ: MqttConnection._ping,
    PacketType.SUBSCRIBE: MqttConnection._subscribe,
    PacketType.UNSUBSCRIBE: MqttConnection._unsubscribe,
    PacketType.DISCONNECT: MqttConnection._disconnect,
}
"""CONNECT a second time, AUTH without a method, and answers to what was never sent are protocol errors."""
