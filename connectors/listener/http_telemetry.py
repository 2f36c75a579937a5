"""`POST /telemetry/{device}`: one payload, answered with 204 after Kafka has stored it. GET upgrades to WebSocket."""

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, unquote_to_bytes

import httptools

from connectors.cloudevent_attributes import TooManyAttributes, headers_of_http_fields
from connectors.entrance_records import Header
from connectors.listener.connections import Connections
from connectors.listener.device_tokens import DeviceTokens, Publisher
from connectors.listener.http_connection import HttpConnection, HttpError, Request
from connectors.listener.record_intake import RecordIntake
from connectors.listener.websocket_session import WebSocketSession
from connectors.mqtt_packets import PacketError, topic_text
from connectors.origins import Origin
from schemas.device_name import device_name_fault

PREFIX: Final = b"/telemetry/"
MAX_TOPIC_BYTES: Final = 65_535
"""As in MQTT, where a length has two bytes."""
STORED: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
STORED_LAST: Final = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Destination:
    """What a URL says: under which topic a payload counts, and whether WebSocket messages bring ids."""

    topic: str
    ids: bool

    @classmethod
    def of(cls, target: bytes, http_topic: str) -> "Destination":
        """Device and topic of a request, from its path and query.

        Raises
        ------
        HttpError
            When the path or the query is not one of this API.
        """
        url = httptools.parse_url(target)
        path = url.path or b""
        if not path.startswith(PREFIX):
            raise HttpError(HTTPStatus.NOT_FOUND, "payloads go to /telemetry/{device}")
        try:
            device = unquote_to_bytes(path[len(PREFIX) :]).decode()
            query = parse_qs((url.query or b"").decode(), keep_blank_values=True, errors="strict", max_num_fields=10)
        except ValueError as error:
            raise HttpError(HTTPStatus.BAD_REQUEST, "the URL is not UTF-8, percent-encoded") from error
        if device_name_fault(device) or any(character in "/+#" for character in device):
            raise HttpError(
                HTTPStatus.BAD_REQUEST,
                "a device has 1 to 200 characters, none of them a control character, a slash, + or #",
            )
        if unknown := query.keys() - {"topic", "ids"}:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"unknown parameter {min(unknown)!r}; there are topic and ids")
        topic = query.get("topic", [http_topic.replace("{device}", device)])[-1]
        return cls(_checked(topic), query.get("ids", ["0"])[-1] not in ("", "0", "false"))


def _checked(topic: str) -> str:
    encoded = topic.encode()
    if len(encoded) > MAX_TOPIC_BYTES:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"the topic is over {MAX_TOPIC_BYTES} bytes")
    try:
        return topic_text(encoded)
    except PacketError as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"the topic cannot be used: {error}") from error


class TelemetryHttpConnection(HttpConnection):
    """A device that posts its payloads, or that goes on with WebSocket messages."""

    def __init__(self, connections: Connections, intake: RecordIntake, tokens: DeviceTokens) -> None:
        super().__init__(connections, intake.max_payload_bytes)
        self._intake = intake
        self._tokens = tokens
        self._authorization: bytes | None = None
        self._publisher: Publisher | None = None
        self._target = b""
        self._origin: Origin | None = None
        """None: a source ignores the topic, so its payloads are passed over."""
        self._websocket: WebSocketSession | None = None

    def begin(self, request: Request) -> None:
        """Refuses whom and what it can before the body is read."""
        if request.method != "POST" and request.target.startswith(PREFIX):
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "payloads are sent with POST", ("Allow", "POST"))
        self._authenticate(request)
        if request.target != self._target:
            self._find_origin(Destination.of(request.target, self.connections.settings.http_topic).topic)
            self._target = request.target

    def respond(self, request: Request) -> None:
        """Its body is a payload."""
        self.connections.received["http"] += 1
        payload, reply = bytes(request.body), STORED if request.keep_alive else STORED_LAST
        if self._origin is None:
            self._intake.ignored += 1
            self.answer(reply)
            return
        confirmation = self._intake.store(self._origin, payload, headers=_attributes(self._origin, request))
        self.wait(confirmation, len(payload), reply)

    def upgrade(self, request: Request, rest: bytes) -> None:
        """WebSocket, on the same URL."""
        if request.headers.get(b"upgrade", b"").lower() != b"websocket" or self.waiting:
            raise HttpError(HTTPStatus.BAD_REQUEST, "only an upgrade to websocket is possible, as the first request")
        self._authenticate(request)
        destination = Destination.of(request.target, self.connections.settings.http_topic)
        self._find_origin(destination.topic)
        self.protocol = "websocket"
        self.forget_partial()
        self._websocket = WebSocketSession(self, self._intake, self._origin, destination.ids)
        self._websocket.open(request, rest)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with whatever has come."""
        if self._websocket is None:
            super().data_received(data)
        else:
            self._websocket.receive(data)

    def check_silence(self, now_s: float) -> None:
        """A WebSocket is asked for a sign of life first."""
        if self._websocket is None:
            super().check_silence(now_s)
        else:
            self._websocket.check_silence(now_s)

    def end_for(self, why: str) -> None:
        """In the words of the protocol that is spoken."""
        if self._websocket is None:
            super().end_for(why)
        else:
            self._websocket.end_for(why)

    def is_revoked(self) -> bool:
        return self._publisher is not None and not self._tokens.still_knows(self._publisher)

    def _authenticate(self, request: Request) -> None:
        """Check the token of the request for its device.

        Raises
        ------
        HttpError
            When the token is missing, wrong or revoked.
        """
        shown = request.headers.get(b"authorization", b"")
        if shown == self._authorization:
            return
        publisher = self._tokens.authenticate(*_credentials(shown))
        if publisher is None:
            raise HttpError(
                HTTPStatus.UNAUTHORIZED,
                "send the device's token: Authorization: Bearer TOKEN. `headrace device add` makes one",
                ("WWW-Authenticate", 'Bearer realm="telemetry"'),
            )
        self._authorization, self._publisher, self._target = shown, publisher, b""

    def _find_origin(self, topic: str) -> None:
        """Find the source that reads the topic, or that ignores it.

        Raises
        ------
        HttpError
            When no source has the topic, or the topic is another device's.
        """
        login = None if self._publisher is None else self._publisher.device
        origin = self._intake.origin(topic, login)
        if origin is None and not self._intake.ignores(topic):
            why = self._intake.why_none(topic, login)
            raise HttpError(HTTPStatus.NOT_FOUND, f"the topic {topic} cannot be used: {why}")
        if origin is not None and not (self._publisher and self._publisher.may_publish(topic, origin.device)):
            raise HttpError(HTTPStatus.FORBIDDEN, f"this token is not for the topic {topic}")
        self._origin = origin


def _attributes(origin: Origin, request: Request) -> list[Header]:
    """Headers of a CloudEvent in binary mode.

    Raises
    ------
    HttpError
    """
    try:
        return headers_of_http_fields(request.headers) if origin.takes_attributes else []
    except TooManyAttributes as error:
        raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, str(error)) from error


def _credentials(shown: bytes) -> tuple[str | None, bytes | None]:
    """Device and token of an Authorization header, Bearer (RFC 6750) or Basic (RFC 7617)."""
    scheme, _, value = shown.partition(b" ")
    if scheme.lower() == b"bearer":
        return None, value.strip()
    if scheme.lower() == b"basic":
        try:
            device, colon, token = base64.b64decode(value.strip(), validate=True).partition(b":")
            return device.decode(), token if colon else b""
        except (binascii.Error, UnicodeDecodeError):
            return None, b""
    return None, value if shown else None
