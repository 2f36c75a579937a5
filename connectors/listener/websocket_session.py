"""A WebSocket whose every message is one payload, acknowledged by a message after Kafka has stored it.

The protocol is that of `websockets` without its network (RFC 6455). An acknowledgement is a text message,
`{"id":7,"status":"stored"}`. The id is the number of the message on its connection, from 1 on; with `?ids=1` in the URL
it is the text before the first line feed of each message, which is not part of the payload.
"""

import json
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as UpgradeRequest
from websockets.protocol import State
from websockets.server import ServerProtocol

from connectors.listener.http_connection import HttpConnection, Request
from connectors.listener.record_intake import RecordIntake
from connectors.origins import Origin

MAX_ID_BYTES: Final = 64
PING_AFTER_S: Final = 30.0
SILENT_FOR_S: Final = 60.0

_CLOSE_CODES: Final = {"silent": 1008, "revoked": 1008, "stopping": 1001, "not_stored": 1011}
"""Policy violation, going away, internal error (section 7.4.1)."""
_NO_ID: Final = f"no id of 1 to {MAX_ID_BYTES} bytes of UTF-8 before the first line feed"


class WebSocketSession:
    """From the upgrade to the end, on the connection of an HTTP request.

    A message over the payload limit ends it with code 1009, before it is read.
    """

    def __init__(self, connection: HttpConnection, intake: RecordIntake, origin: Origin | None, ids: bool) -> None:
        limit = intake.max_payload_bytes + (MAX_ID_BYTES + 1 if ids else 0)
        self._connection = connection
        self._intake = intake
        self._origin = origin
        self._ids = ids
        self._protocol = ServerProtocol(max_size=limit)
        self._fragments: list[bytes] = []
        self._messages = 0
        self._pinged = False

    def open(self, request: Request, rest: bytes) -> None:
        """Answer the upgrade, and go on with what came behind it."""
        headers = b"".join(b"%s: %s\r\n" % field for field in request.headers.items())
        self._protocol.receive_data(b"GET %s HTTP/1.1\r\n%s\r\n" % (request.target, headers))
        for event in self._protocol.events_received():
            if isinstance(event, UpgradeRequest):
                self._protocol.send_response(self._protocol.accept(event))
        self._write()
        if rest and self._protocol.state is State.OPEN:
            self.receive(rest)

    def receive(self, data: bytes) -> None:
        """Whatever has come."""
        connection = self._connection
        connection.heard_s, self._pinged = connection.connections.monotonic_s(), False
        connection.count_partial(len(data))
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._fragment(event)
        self._write()
        connection.pause_if_full()

    def check_silence(self, now_s: float) -> None:
        """A ping after half of the time; the end after all of it."""
        silent_s = now_s - self._connection.heard_s
        if silent_s > SILENT_FOR_S:
            self.end_for("silent")
        elif silent_s > PING_AFTER_S and not self._pinged:
            self._pinged = True
            self._protocol.send_ping(b"")
            self._write()

    def end_for(self, why: str) -> None:
        self._connection.connections.ended[why] += 1
        if self._protocol.state is State.OPEN:
            self._protocol.fail(_CLOSE_CODES[why], why.replace("_", " "))
        self._write()
        self._connection.close()

    def _fragment(self, frame: Frame) -> None:
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            message = b"".join(self._fragments)
            self._fragments.clear()
            self._connection.forget_partial()
            self._message(message)

    def _message(self, message: bytes) -> None:
        self._messages += 1
        identifier: int | str = self._messages
        if self._ids:
            head, line_feed, message = message.partition(b"\n")
            found = _identifier(head) if line_feed else None
            if found is None or len(message) > self._intake.max_payload_bytes:
                self._protocol.fail(1008, _NO_ID)
                return
            identifier = found
        self._connection.connections.received["websocket"] += 1
        acknowledgement = json.dumps({"id": identifier, "status": "stored"}, separators=(",", ":")).encode()
        reply = Frame(Opcode.TEXT, acknowledgement).serialize(mask=False)
        if self._origin is None:
            self._intake.ignored += 1
            self._connection.answer(reply)
        else:
            self._connection.wait(self._intake.store(self._origin, message), len(message), reply)

    def _write(self) -> None:
        """What the protocol has to say. An empty piece is the end."""
        transport = self._connection.transport
        for piece in self._protocol.data_to_send():
            if transport.is_closing():
                return
            if piece:
                transport.write(piece)
            else:
                self._connection.close()


def _identifier(head: bytes) -> str | None:
    try:
        return head.decode() if 0 < len(head) <= MAX_ID_BYTES else None
    except UnicodeDecodeError:
        return None
