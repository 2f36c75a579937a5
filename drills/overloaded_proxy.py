"""A real HTTP server in front of InfluxDB that answers a share of the writes with a status of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import httpx

from connectors.endpoints import LOOPBACK
from connectors.http_clients import HttpUnavailable, http_client, translated

WRITE = "/api/v2/write"
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "host", "accept-encoding"}


class Overload:
    """Refuses two writes of three: every batch is tried again, and everything gets through in the end."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.refused = 0
        self.port = 0
        self._asked = 0
        self._lock = Lock()

    def takes(self) -> bool:
        """Whether this write goes through."""
        with self._lock:
            self._asked += 1
            refused = self._asked % 3 != 0
            self.refused += refused
            return not refused


@contextmanager
def overloaded(port: int, upstream: str, status: int) -> Iterator[Overload]:
    """Listens on `port`, passes everything on to `upstream` (a URL), but for the writes that it refuses."""
    overload = Overload(status)
    with http_client(upstream, timeout_s=30) as client:
        server = ThreadingHTTPServer((LOOPBACK, port), _handler(overload, client))
        server.daemon_threads = True
        overload.port = server.server_port
        thread = Thread(target=server.serve_forever, name="proxy", daemon=True)
        thread.start()
        try:
            yield overload
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(overload: Overload, client: httpx.Client) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # HTTP/1.0: a connection for each request, so that none outlives the proxy.

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith(WRITE) and not overload.takes():
                self._send(overload.status, {"Retry-After": "1"}, b'{"message":"too busy, says the drill"}')
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            try:
                with translated():
                    answer = client.request(self.command, self.path, content=body, headers=headers)
            except HttpUnavailable as error:
                self._send(502, {}, str(error).encode())
                return
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            self._send(answer.status_code, kept, answer.content)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != httpx.codes.NO_CONTENT:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != httpx.codes.NO_CONTENT:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Each answer is no line on the terminal."""

    return Handler
