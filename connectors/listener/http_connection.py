"""HTTP/1.1 for a server of small requests: parsed by httptools, answered in order, bounded before it is read.

`HttpConnection` reads requests and writes responses. What a request gets is its subclass's: http_telemetry.py for
devices, probes.py for probes.
"""

import json
from abc import abstractmethod
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import httptools

from connectors.listener.connections import Connection, Connections

MAX_HEAD_BYTES: Final = 16 * 1024
IDLE_S: Final = 75.0
"""Between two requests of a connection."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True)
class Request:
    """A request, whose body may not have come yet. Names of headers are in lower case."""

    method: str = ""
    target: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    keep_alive: bool = True


class HttpError(Exception):
    """Raised for a request that the listener refuses (RFC 9457), and caught inside this package.

    Transient or terminal by its status.
    """

    def __init__(self, status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers

    def response(self, keep_alive: bool = False) -> bytes:
        body = json.dumps({"title": self.status.phrase, "status": self.status.value, "detail": str(self)})
        return response(self.status, "application/problem+json", body.encode() + b"\n", keep_alive, *self.headers)


def response(
    status: HTTPStatus, content_type: str, body: bytes, keep_alive: bool = True, *headers: tuple[str, str]
) -> bytes:
    """Head and body in one piece."""
    fields = [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]
    if not keep_alive:
        fields.append(("Connection", "close"))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode() + body


class HttpConnection(Connection):
    """One connection; requests may be pipelined."""

    protocol = "http"

    def __init__(self, connections: Connections, max_body_bytes: int) -> None:
        super().__init__(connections)
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._head_bytes = 0
        self._partial_bytes = 0
        self._close_when_idle = False
        self._discarding = False
        """Its last request was read: what still comes is thrown away, and not left, so that the peer reads on."""

    @abstractmethod
    def begin(self, request: Request) -> None:
        """The head is there; raise HttpError to refuse the request before its body is read."""

    @abstractmethod
    def respond(self, request: Request) -> None:
        """The request is whole: `answer` or `wait`, or raise HttpError."""

    def upgrade(self, request: Request, rest: bytes) -> None:
        """The client asks for another protocol; `rest` came behind its request. Raises HttpError."""
        raise HttpError(HTTPStatus.BAD_REQUEST, "no other protocol is supported")

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with whatever has come."""
        if self._discarding:
            return
        self.count_partial(len(data))
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._try_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, HttpError):
                raise
            self._finish(error.__context__.response())
        except httptools.HttpParserError:
            self._finish(HttpError(HTTPStatus.BAD_REQUEST, "not a request of HTTP/1.1").response())
        self.pause_if_full()

    def eof_received(self) -> bool:
        """Called by the event loop: a peer that has said all may still wait for its responses."""
        if self.waiting:
            self._finish(b"")
        return bool(self.waiting)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        self.forget_partial()
        super().connection_lost(error)

    def replied(self, replies: int) -> None:
        """After the last response the connection ends."""
        self.heard_s = self.connections.monotonic_s()

    def release(self) -> bool:
        """As of a Connection; closes behind the last response."""
        busy = super().release()
        if not busy and self._close_when_idle and self.closing_since_s is None:
            self._write_last(b"")
        return busy

    def check_silence(self, now_s: float) -> None:
        """A peer that waits for its response may be silent."""
        if not self.waiting:
            super().check_silence(now_s)

    def end_for(self, why: str) -> None:
        """Between requests without a word; those that wait get 503."""
        self.connections.ended[why] += 1
        if why == "not_stored" or self.waiting:
            problem = HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "the payload is not stored: send it again")
            self._finish(problem.response())
        else:
            self.close()

    def on_message_begin(self) -> None:
        """Called by the parser, as the other methods that begin with on_."""
        self._request = Request()
        self._head_bytes = 0
        self.heard_s = self.connections.monotonic_s()
        self.silence_s = self.connections.settings.connect_within_s

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value))
        self._request.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method().decode()
        request.keep_alive = self._parser.should_keep_alive()
        length = request.headers.get(b"content-length", b"0")
        if int(length) > self._max_body_bytes:  # the parser has seen to it that it is a number
            self._too_large()
        if self._parser.should_upgrade():
            return
        self.begin(request)
        if request.headers.get(b"expect", b"").lower() == b"100-continue":
            self.answer(CONTINUE)

    def on_body(self, body: bytes) -> None:
        self.heard_s = self.connections.monotonic_s()
        if len(self._request.body) + len(body) > self._max_body_bytes:
            self._too_large()
        self._request.body += body

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return
        self.forget_partial()
        self.silence_s = IDLE_S
        try:
            self.respond(self._request)
        except HttpError as problem:
            self.answer(problem.response(self._request.keep_alive))
        if not self._request.keep_alive:
            self._finish(b"")

    def _too_large(self) -> None:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the payload is over {self._max_body_bytes} bytes")

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is over {MAX_HEAD_BYTES} bytes")

    def forget_partial(self) -> None:
        """What came is whole, or of no use any more."""
        self.count_partial(-self._partial_bytes)

    def count_partial(self, size: int) -> None:
        """Bytes of what is not whole yet count as waiting."""
        self._partial_bytes += size
        self.connections.waiting_bytes += size

    def _try_upgrade(self, rest: bytes) -> None:
        try:
            self.upgrade(self._request, rest)
        except HttpError as problem:
            self._finish(problem.response())

    def _finish(self, last: bytes) -> None:
        """Read no more; write `last` behind the responses that wait, and end the connection once it is out."""
        self._discarding = self._close_when_idle = True
        if not self.waiting:
            self._write_last(last)
        elif last:
            self.wait(None, 0, last)

    def _write_last(self, last: bytes) -> None:
        if self.transport.is_closing():
            return
        if last:
            self.transport.write(last)
        self.closing_since_s = self.connections.monotonic_s()
        if self.transport.can_write_eof():
            # Not closed: a peer that still sends its body would be reset, and lose the response. It closes, or `sweep`.
            self.transport.write_eof()
        else:
            self.transport.close()
