"""The proxy that makes InfluxDB look overloaded, on loopback ports."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest

from drills.overloaded_proxy import overloaded


class UpstreamServer(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Upstream)
        self.taken: list[tuple[str, str | None, bytes]] = []


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: UpstreamServer

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Authorization"], body))
        self.send_response(204)
        self.end_headers()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    server = UpstreamServer()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [429, 503])
def test_two_of_three_writes_are_refused_and_the_third_arrives_whole(upstream, status):
    url = f"http://127.0.0.1:{upstream.server_port}"
    with overloaded(0, url, status) as overload:
        answers = [
            httpx.post(
                f"http://127.0.0.1:{overload.port}/api/v2/write?org=o",
                content=b"line",
                headers={"Authorization": "Token t"},
            )
            for _ in range(6)
        ]
    assert [answer.status_code for answer in answers] == [status, status, 204] * 2
    assert answers[0].headers["Retry-After"] == "1"
    assert upstream.taken == [("/api/v2/write?org=o", "Token t", b"line")] * 2
    assert overload.refused == 4


def test_everything_but_a_write_passes(upstream):
    with overloaded(0, f"http://127.0.0.1:{upstream.server_port}", 503) as overload:
        answers = [httpx.get(f"http://127.0.0.1:{overload.port}/health").text for _ in range(3)]
    assert answers == ["ok"] * 3
