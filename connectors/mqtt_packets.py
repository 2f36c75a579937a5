"""MQTT 3.1.1 and 5: bytes to packets and back, for a server that only receives. No network and no session.

`packet_body` finds where a packet ends. `read_publish` is the hot path and reads by index; everything else goes through
`Fields`. Sections are those of the OASIS specifications "MQTT Version 5.0" and "MQTT Version 3.1.1".
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MQTT_3_1_1: Final = 4
MQTT_5: Final = 5
MAX_QOS: Final = 1


class PacketType(IntEnum):
    """The upper four bits of a packet's first byte (section 2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class ReasonCode(IntEnum):
    """Those of MQTT 5 that this server sends (section 2.4)."""

    SUCCESS = 0x00
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_NAME_INVALID = 0x90
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QOS_NOT_SUPPORTED = 0x9B


_RETURN_CODES: Final = {
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION: 1,
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: 2,
    ReasonCode.BAD_USER_NAME_OR_PASSWORD: 4,
    ReasonCode.NOT_AUTHORIZED: 5,
}
"""What CONNACK says in MQTT 3.1.1 (section 3.2.2.3); 3, server unavailable, for everything else."""


class PacketError(Exception):
    """Raised for a packet that ends its connection, with the reason of MQTT 5 for it; caught inside this package.

    Terminal for the connection: a new one may follow.
    """

    def __init__(self, reason: ReasonCode, detail: str = "") -> None:
        super().__init__(detail or reason.name)
        self.reason = reason


def packet_body(buffer: bytes | bytearray, at: int, max_bytes: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins, and where it ends: perhaps behind what the buffer has so far.

    None where not even the length is whole. Raises PacketError for a length over `max_bytes`, and for one that no
    packet may have: over four bytes, or with more bytes than it needs [MQTT-1.5.5-1].
    """
    length = shift = 0
    for position in range(at + 1, min(at + 5, len(buffer))):
        byte = buffer[position]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte and shift:
                raise PacketError(ReasonCode.MALFORMED_PACKET, "a length with more bytes than it needs")
            if length > max_bytes:
                raise PacketError(ReasonCode.PACKET_TOO_LARGE, f"a packet of {length} bytes, over {max_bytes}")
            return position + 1, position + 1 + length
        shift += 7
    if len(buffer) >= at + 5:
        raise PacketError(ReasonCode.MALFORMED_PACKET, "a length of over four bytes")
    return None


def read_publish(buffer: bytes, flags: int, start: int, stop: int, version: int) -> tuple[bytes, int, int]:
    """Topic, packet identifier (0 at QoS 0), and where the payload begins (section 3.3). It ends at `stop`.

    The topic is not looked into: `topic_text` does that, once for each topic. Raises PacketError.
    """
    qos = flags >> 1 & 3
    if qos > MAX_QOS:
        raise PacketError(ReasonCode.QOS_NOT_SUPPORTED if qos == 2 else ReasonCode.MALFORMED_PACKET, f"QoS {qos}")
    if flags == 0x8 or flags == 0x9:  # [MQTT-3.3.1-2]
        raise PacketError(ReasonCode.MALFORMED_PACKET, "DUP at QoS 0")
    at = start + 2
    if at > stop:
        raise PacketError(ReasonCode.MALFORMED_PACKET, "PUBLISH without a topic")
    at += buffer[start] << 8 | buffer[start + 1]
    topic, packet_identifier = buffer[start + 2 : at], 0
    if qos:
        at += 2
        if at > stop:
            raise PacketError(ReasonCode.MALFORMED_PACKET, "PUBLISH that is cut off")
        packet_identifier = buffer[at - 2] << 8 | buffer[at - 1]
        if not packet_identifier:  # [MQTT-2.2.1-3]
            raise PacketError(ReasonCode.PROTOCOL_ERROR, "packet identifier 0")
    if version == MQTT_5:
        if at < stop and not buffer[at]:
            at += 1
        else:
            at = _after_publish_properties(buffer, at, stop)
    if at > stop:
        raise PacketError(ReasonCode.MALFORMED_PACKET, "PUBLISH that is cut off")
    return topic, packet_identifier, at


def _after_publish_properties(buffer: bytes, at: int, stop: int) -> int:
    fields = Fields(buffer, at, stop)
    properties = fields.properties(_PUBLISH_PROPERTIES)
    if TOPIC_ALIAS in properties:  # CONNACK offered none [MQTT-3.3.2-9]
        raise PacketError(ReasonCode.TOPIC_ALIAS_INVALID, "a topic alias, and none was offered")
    return fields.at


def read_attributes(buffer: bytes, flags: int, start: int, stop: int) -> tuple[list[tuple[str, str]], str | None]:
    """User properties in their order, and the content type, of a PUBLISH of MQTT 5 that `read_publish` has read."""
    fields = Fields(buffer, start, stop)
    fields.binary()
    if flags & 0b0110:
        fields.integer(2)
    found = fields.properties(_PUBLISH_PROPERTIES)
    content_type = found.get(_CONTENT_TYPE)
    return fields.user_properties, None if content_type is None else str(content_type)


def topic_text(topic: bytes) -> str:
    """The text of a topic that a client publishes to.

    Raises
    ------
    PacketError
        When the topic is not UTF-8 [MQTT-1.5.4-1], has U+0000 [MQTT-1.5.4-2] or a wildcard [MQTT-3.3.2-2], or is
        empty [MQTT-4.7.3-1].
    """
    text = _text(topic)
    if not text or "+" in text or "#" in text:
        raise PacketError(ReasonCode.TOPIC_NAME_INVALID, "an empty topic, or one with a wildcard")
    return text


def _text(encoded: bytes) -> str:
    try:
        text = encoded.decode()
    except UnicodeDecodeError as error:
        raise PacketError(ReasonCode.MALFORMED_PACKET, "text that is not UTF-8") from error
    if "\0" in text:
        raise PacketError(ReasonCode.MALFORMED_PACKET, "text with U+0000")
    return text


# Identifiers of properties (section 2.2.2.2).
SESSION_EXPIRY_INTERVAL: Final = 0x11
ASSIGNED_CLIENT_IDENTIFIER: Final = 0x12
AUTHENTICATION_METHOD: Final = 0x15
AUTHENTICATION_DATA: Final = 0x16
RECEIVE_MAXIMUM: Final = 0x21
TOPIC_ALIAS: Final = 0x23
MAXIMUM_QOS: Final = 0x24
USER_PROPERTY: Final = 0x26
MAXIMUM_PACKET_SIZE: Final = 0x27
WILDCARD_SUBSCRIPTION_AVAILABLE: Final = 0x28
SUBSCRIPTION_IDENTIFIERS_AVAILABLE: Final = 0x29
SHARED_SUBSCRIPTION_AVAILABLE: Final = 0x2A

_PAYLOAD_FORMAT, _MESSAGE_EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION_DATA = 0x01, 0x02, 0x03, 0x08, 0x09
_SUBSCRIPTION_IDENTIFIER, _REQUEST_PROBLEM, _WILL_DELAY, _REQUEST_RESPONSE = 0x0B, 0x17, 0x18, 0x19
_REASON_STRING, _TOPIC_ALIAS_MAXIMUM = 0x1F, 0x22

_FIXED_SIZES: Final = {
    _PAYLOAD_FORMAT: 1, _REQUEST_PROBLEM: 1, _REQUEST_RESPONSE: 1,
    RECEIVE_MAXIMUM: 2, _TOPIC_ALIAS_MAXIMUM: 2, TOPIC_ALIAS: 2,
    _MESSAGE_EXPIRY: 4, SESSION_EXPIRY_INTERVAL: 4, _WILL_DELAY: 4, MAXIMUM_PACKET_SIZE: 4,
}  # fmt: skip
_TEXTS: Final = {_CONTENT_TYPE, _RESPONSE_TOPIC, AUTHENTICATION_METHOD, _REASON_STRING}
_NOT_ZERO: Final = {RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE, _SUBSCRIPTION_IDENTIFIER}
_BOOLEANS: Final = {_PAYLOAD_FORMAT, _REQUEST_PROBLEM, _REQUEST_RESPONSE}

_MESSAGE_PROPERTIES: Final = frozenset(
    {_PAYLOAD_FORMAT, _MESSAGE_EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION_DATA, USER_PROPERTY}
)
_PUBLISH_PROPERTIES: Final = _MESSAGE_PROPERTIES | {TOPIC_ALIAS}
_WILL_PROPERTIES: Final = _MESSAGE_PROPERTIES | {_WILL_DELAY}
_CONNECT_PROPERTIES: Final = frozenset(
    {
        SESSION_EXPIRY_INTERVAL, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE, _TOPIC_ALIAS_MAXIMUM, _REQUEST_RESPONSE,
        _REQUEST_PROBLEM, USER_PROPERTY, AUTHENTICATION_METHOD, AUTHENTICATION_DATA,
    }
)  # fmt: skip
_SUBSCRIBE_PROPERTIES: Final = frozenset({_SUBSCRIPTION_IDENTIFIER, USER_PROPERTY})
_UNSUBSCRIBE_PROPERTIES: Final = frozenset({USER_PROPERTY})
_DISCONNECT_PROPERTIES: Final = frozenset({SESSION_EXPIRY_INTERVAL, _REASON_STRING, USER_PROPERTY})


class Fields:
    """Reads one field of a packet's body after the other. Every method raises PacketError behind its end."""

    def __init__(self, buffer: bytes, start: int, stop: int) -> None:
        self._buffer, self.at, self._stop = buffer, start, stop
        self.user_properties: list[tuple[str, str]] = []

    @property
    def at_end(self) -> bool:
        return self.at >= self._stop

    def integer(self, size: int) -> int:
        return int.from_bytes(self._raw(size))

    def variable_integer(self) -> int:
        """One to four bytes, the lowest seven bits first (section 1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.integer(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if not byte and shift:
                    break
                return value
        raise PacketError(ReasonCode.MALFORMED_PACKET, "a variable integer that is none")

    def binary(self) -> bytes:
        return self._raw(self.integer(2))

    def text(self) -> str:
        return _text(self.binary())

    def properties(self, allowed: Collection[int]) -> dict[int, int | str | bytes]:
        """Each of them once, but for user properties, which go to `user_properties` (section 2.2.2)."""
        length = self.variable_integer()
        end, found = self.at + length, dict[int, int | str | bytes]()
        if end > self._stop:
            raise PacketError(ReasonCode.MALFORMED_PACKET, "properties that are cut off")
        while self.at < end:
            identifier = self.variable_integer()
            if identifier not in allowed:
                raise PacketError(ReasonCode.MALFORMED_PACKET, f"property {identifier:#x} where it may not stand")
            if identifier in found:
                raise PacketError(ReasonCode.PROTOCOL_ERROR, f"property {identifier:#x} twice")
            if identifier == USER_PROPERTY:
                self.user_properties.append((self.text(), self.text()))
            else:
                found[identifier] = self._property(identifier)
        if self.at != end:
            raise PacketError(ReasonCode.MALFORMED_PACKET, "a property that is cut off")
        return found

    def _property(self, identifier: int) -> int | str | bytes:
        if identifier in _TEXTS:
            return self.text()
        if size := _FIXED_SIZES.get(identifier):
            value = self.integer(size)
        elif identifier == _SUBSCRIPTION_IDENTIFIER:
            value = self.variable_integer()
        else:
            return self.binary()
        if (identifier in _NOT_ZERO and not value) or (identifier in _BOOLEANS and value > 1):
            raise PacketError(ReasonCode.PROTOCOL_ERROR, f"property {identifier:#x} may not be {value}")
        return value

    def _raw(self, size: int) -> bytes:
        end = self.at + size
        if end > self._stop:
            raise PacketError(ReasonCode.MALFORMED_PACKET, "a packet that is cut off")
        found = self._buffer[self.at : end]
        self.at = end
        return found

    def require_end(self) -> None:
        """Check that nothing follows.

        Raises
        ------
        PacketError
            When bytes are left.
        """
        if not self.at_end:
            raise PacketError(ReasonCode.MALFORMED_PACKET, "a packet that is too long")


@dataclass(frozen=True, slots=True)
class Connect:
    """What a client says of itself (section 3.1).

    Parameters
    ----------
    keep_alive_s
        0: it may be silent for ever.
    session_expiry_s
        How long it asks to be remembered after its connection ends; 0: not at all. MQTT 3.1.1 without a clean session
        has no limit, which is the largest number here.
    """

    version: int
    client_identifier: str
    clean_start: bool
    keep_alive_s: int
    user_name: str | None
    password: bytes | None
    session_expiry_s: int


NEVER_EXPIRES: Final = 0xFFFFFFFF


def protocol_version(buffer: bytes, start: int, stop: int) -> int:
    """The version that a CONNECT asks for, whether this server knows it or not. Raises PacketError."""
    fields = Fields(buffer, start, stop)
    if fields.binary() not in (b"MQTT", b"MQIsdp"):  # the second is MQTT 3.1
        raise PacketError(ReasonCode.MALFORMED_PACKET, "a protocol that is not MQTT")
    return fields.integer(1)


def read_connect(buffer: bytes, start: int, stop: int) -> Connect:
    """A CONNECT of MQTT 3.1.1 or 5. Its will is read and left out: see docs/how-to/listener.md. Raises PacketError."""
    version, fields = protocol_version(buffer, start, stop), Fields(buffer, start, stop)
    name = fields.binary()
    if name != b"MQTT" or version not in (MQTT_3_1_1, MQTT_5):
        raise PacketError(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, f"MQTT version {version}")
    fields.integer(1)
    flags = fields.integer(1)
    _require_legal_connect_flags(flags, version)
    keep_alive_s = fields.integer(2)
    properties = fields.properties(_CONNECT_PROPERTIES) if version == MQTT_5 else {}
    client_identifier = fields.text()
    if flags & 0x04:
        _skip_will(fields, version)
    user_name = fields.text() if flags & 0x80 else None
    password = fields.binary() if flags & 0x40 else None
    fields.require_end()
    if AUTHENTICATION_METHOD in properties:
        raise PacketError(ReasonCode.BAD_AUTHENTICATION_METHOD, "an authentication method beside name and password")
    if AUTHENTICATION_DATA in properties:
        raise PacketError(ReasonCode.PROTOCOL_ERROR, "authentication data without a method")
    clean_start = bool(flags & 0x02)
    if version == MQTT_5:
        expiry = int(properties.get(SESSION_EXPIRY_INTERVAL, 0))
    else:
        expiry = 0 if clean_start else NEVER_EXPIRES
        if not client_identifier and not clean_start:  # [MQTT-3.1.3-8]
            raise PacketError(
                ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "a session to be kept without a client identifier"
            )
    return Connect(version, client_identifier, clean_start, keep_alive_s, user_name, password, expiry)


def _require_legal_connect_flags(flags: int, version: int) -> None:
    """Section 3.1.2.3. Raises PacketError."""
    without_will = flags & 0x38 and not flags & 0x04
    lonely_password = version == MQTT_3_1_1 and flags & 0xC0 == 0x40  # [MQTT-3.1.2-22]
    if flags & 0x01 or flags & 0x18 == 0x18 or without_will or lonely_password:
        raise PacketError(ReasonCode.MALFORMED_PACKET, f"CONNECT with flags {flags:#04x}")


def _skip_will(fields: Fields, version: int) -> None:
    if version == MQTT_5:
        fields.properties(_WILL_PROPERTIES)
    topic_text(fields.binary())
    fields.binary()


def read_subscribe(buffer: bytes, start: int, stop: int, version: int) -> tuple[bytes, int]:
    """Packet identifier, as its two bytes, and how many topic filters there are (section 3.8). Raises PacketError."""
    fields = Fields(buffer, start, stop)
    identifier = _identifier(fields)
    if version == MQTT_5:
        fields.properties(_SUBSCRIBE_PROPERTIES)
    filters = 0
    while not fields.at_end:
        fields.text()
        options = fields.integer(1)
        reserved = 0xC0 if version == MQTT_5 else 0xFC
        if options & reserved or options & 0x03 == 0x03 or options & 0x30 == 0x30:
            raise PacketError(ReasonCode.MALFORMED_PACKET, f"subscription options {options:#04x}")
        filters += 1
    return identifier, _at_least_one(filters)


def read_unsubscribe(buffer: bytes, start: int, stop: int, version: int) -> tuple[bytes, int]:
    """As `read_subscribe` (section 3.10)."""
    fields = Fields(buffer, start, stop)
    identifier = _identifier(fields)
    if version == MQTT_5:
        fields.properties(_UNSUBSCRIBE_PROPERTIES)
    filters = 0
    while not fields.at_end:
        fields.text()
        filters += 1
    return identifier, _at_least_one(filters)


def _identifier(fields: Fields) -> bytes:
    identifier = fields.integer(2)
    if not identifier:
        raise PacketError(ReasonCode.PROTOCOL_ERROR, "packet identifier 0")
    return identifier.to_bytes(2)


def _at_least_one(filters: int) -> int:
    if not filters:  # [MQTT-3.8.3-2], [MQTT-3.10.3-2]
        raise PacketError(ReasonCode.PROTOCOL_ERROR, "no topic filter")
    return filters


def read_disconnect(buffer: bytes, start: int, stop: int, version: int) -> int | None:
    """The session expiry interval that replaces that of CONNECT, or None (section 3.14). Raises PacketError."""
    fields = Fields(buffer, start, stop)
    if version == MQTT_5 and not fields.at_end:
        fields.integer(1)
        if not fields.at_end:
            properties = fields.properties(_DISCONNECT_PROPERTIES)
            fields.require_end()
            expiry = properties.get(SESSION_EXPIRY_INTERVAL)
            return None if expiry is None else int(expiry)
    fields.require_end()
    return None


def packet(packet_type: PacketType, body: bytes, flags: int = 0) -> bytes:
    """A packet with its header. Used by tests and generators too."""
    return bytes((packet_type << 4 | flags,)) + variable_integer(len(body)) + body


def variable_integer(value: int) -> bytes:
    """Section 1.5.5.

    >>> variable_integer(321).hex()
    'c102'
    """
    encoded = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        encoded.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(encoded)


def text_field(text: str) -> bytes:
    """A text with its length (section 1.5.4)."""
    encoded = text.encode()
    return len(encoded).to_bytes(2) + encoded


PINGRESP: Final = packet(PacketType.PINGRESP, b"")
PUBACK_HEADER: Final = b"\x40\x02"


def puback(packet_identifier: int, version: int = MQTT_3_1_1, reason: ReasonCode = ReasonCode.SUCCESS) -> bytes:
    """Section 3.4; MQTT 3.1.1 has no reason, and MQTT 5 leaves out that of success."""
    if version == MQTT_3_1_1 or reason is ReasonCode.SUCCESS:
        return PUBACK_HEADER + packet_identifier.to_bytes(2)
    return packet(PacketType.PUBACK, packet_identifier.to_bytes(2) + bytes((reason,)))


def accepted(version: int, session_present: bool, receive_maximum: int, max_bytes: int, assigned: str) -> bytes:
    """The CONNACK of a connection that is welcome, with what this server does not do (section 3.2.2.3).

    `assigned` is the client identifier of a client that sent none, else empty. Retained messages are not declared
    unavailable: a PUBLISH with RETAIN would then have to end its connection.
    """
    if version == MQTT_3_1_1:
        return packet(PacketType.CONNACK, bytes((session_present, 0)))
    properties = (
        bytes((RECEIVE_MAXIMUM,))
        + receive_maximum.to_bytes(2)
        + bytes((MAXIMUM_QOS, MAX_QOS, MAXIMUM_PACKET_SIZE))
        + max_bytes.to_bytes(4)
        + bytes((WILDCARD_SUBSCRIPTION_AVAILABLE, 0, SUBSCRIPTION_IDENTIFIERS_AVAILABLE, 0))
        + bytes((SHARED_SUBSCRIPTION_AVAILABLE, 0))
        + (bytes((ASSIGNED_CLIENT_IDENTIFIER,)) + text_field(assigned) if assigned else b"")
    )
    return packet(PacketType.CONNACK, bytes((session_present, 0)) + variable_integer(len(properties)) + properties)


def refused(version: int, reason: ReasonCode) -> bytes:
    """The CONNACK of a connection that is closed at once. A client of an unknown version is told in MQTT 3.1.1."""
    if version == MQTT_5:
        return packet(PacketType.CONNACK, bytes((0, reason, 0)))
    return packet(PacketType.CONNACK, bytes((0, _RETURN_CODES.get(reason, 3))))


def suback(identifier: bytes, version: int, filters: int) -> bytes:
    """Every subscription is refused (section 3.9.3)."""
    if version == MQTT_5:
        codes = bytes((ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,)) * filters
        return packet(PacketType.SUBACK, identifier + b"\0" + codes)
    return packet(PacketType.SUBACK, identifier + b"\x80" * filters)


def unsuback(identifier: bytes, version: int, filters: int) -> bytes:
    """There was no subscription (section 3.11.3)."""
    codes = b"\0" + bytes((ReasonCode.NO_SUBSCRIPTION_EXISTED,)) * filters if version == MQTT_5 else b""
    return packet(PacketType.UNSUBACK, identifier + codes)


def disconnect(reason: ReasonCode) -> bytes:
    """Of MQTT 5; the server of MQTT 3.1.1 closes without a word (section 3.14)."""
    return packet(PacketType.DISCONNECT, bytes((reason,)))
