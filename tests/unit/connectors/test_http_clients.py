"""HTTP clients are made in one place, and what is local never goes through a proxy."""

import ast
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from pydantic import SecretStr

from connectors import http_clients
from connectors.endpoints import Endpoints, StackSettings
from connectors.influxdb.deletion import InfluxDBRemover
from connectors.influxdb.reader import InfluxDBReader
from connectors.influxdb.writer import InfluxDBWriter
from headrace.monitoring import jobs

REPOSITORY = Path(__file__).parents[3]
PACKAGES = ("headrace", "serving", "jobs", "connectors", "models", "payload_codecs", "schemas", "bench", "deploy")
THE_ONE = "connectors/http_clients.py"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Recorder:
    """What an HTTP server was asked; it answers everything with 200 and `{"jobs": []}`."""

    def __init__(self):
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        self.port = 0


@contextmanager
def recording():
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            recorder.asked.append(f"{self.command} {self.path}")
            recorder.tokens.append(self.headers.get("Authorization"))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b'{"jobs": []}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def do_CONNECT(self):
            self.answer()

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server():
    with recording() as server:
        yield server


@pytest.fixture
def proxy():
    with recording() as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


NAMED = [name for lower in ("http_proxy", "https_proxy", "all_proxy") for name in (lower, lower.upper())]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_request_to_this_machine_is_never_shown_to_a_proxy(server, proxy, monkeypatch, name, host):
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert http_clients.get(f"http://{host}:{server.port}/readyz", timeout_s=10).is_success
    assert (server.asked, proxy.asked) == (["GET /readyz"], [])


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "nonsense"])
def test_a_proxy_that_httpx_cannot_use_is_no_matter_for_a_request_to_this_machine(server, monkeypatch, scheme):
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")
    assert http_clients.get(f"http://127.0.0.1:{server.port}/", timeout_s=10).is_success


@pytest.mark.parametrize("scheme", ["socks4", "nonsense"])
def test_a_proxy_that_cannot_be_used_is_a_terminal_error_in_one_line(monkeypatch, scheme):
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")
    with pytest.raises(http_clients.UnusableProxy, match=r"^the proxy that .* NO_PROXY$"):
        http_clients.get("http://influxdb.example.org/", timeout_s=10)


def test_a_remote_host_is_asked_through_the_proxy_of_the_environment(proxy, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert http_clients.get("http://influxdb.example.org/health", timeout_s=10).is_success
    assert proxy.asked == ["GET http://influxdb.example.org/health"]


def test_a_host_in_no_proxy_is_asked_directly(server, proxy, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "example.invalid")
    with pytest.raises(http_clients.HttpUnavailable):
        http_clients.get("http://influxdb.example.invalid/", timeout_s=10)
    assert proxy.asked == []


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_token_of_influxdb_and_the_questions_to_flink_stay_on_this_machine(
    server, proxy, monkeypatch, tmp_path, scheme
):
    for name in NAMED:
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{proxy.port}")
    address = f"127.0.0.1:{server.port}"
    changes = {"influxdb_url": f"http://{address}", "influxdb_token": SecretStr("s3cret")}
    endpoints = Endpoints.local(StackSettings(home=tmp_path)).model_copy(update=changes)
    assert InfluxDBWriter.connect(endpoints).write(["a v=1 1"]) == [None]
    list(InfluxDBReader.connect(endpoints).rows("buckets()"))
    InfluxDBRemover.connect(endpoints).remove("reading", "device", "kiln-4")
    assert jobs.collect(address) == []
    assert server.tokens == ["Token s3cret"] * 3 + [None]
    assert proxy.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.8.9.10", "127.1", "0.0.0.0", "::1", "[::1]", "::", "::ffff:127.0.0.1", "localhost",
        "LOCALHOST", "localhost.", "api.localhost", "influxdb", "jobmanager", "my-host",
    ],
)  # fmt: skip
def test_local_is_this_machine_and_every_name_without_a_dot(host):
    assert http_clients.is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "192.168.0.7", "10.0.0.1", "128.0.0.1", "fe80::1", "2001:db8::1", "::ffff:10.0.0.1", "influxdb.example.org",
        "localhost.example.org", "127.0.0.1.example.org", "notlocalhost.org",
    ],
)  # fmt: skip
def test_other_addresses_are_remote(host):
    assert not http_clients.is_local(host)


def test_only_one_module_makes_http_clients():
    sources = {path.relative_to(REPOSITORY).as_posix(): path for name in PACKAGES for path in _python(name)}
    found = {name: made for name, path in sources.items() if (made := _http_clients_made(path.read_text()))}
    assert set(found) == {THE_ONE}


@pytest.mark.parametrize(
    "source",
    [
        "import httpx\nhttpx.get('http://a')", "import httpx\nhttpx.Client()", "import httpx\nhttpx.AsyncClient()",
        "from httpx import Client", "import httpx as h\nh.request('GET', 'http://a')", "import requests",
        "from urllib.request import urlopen", "import urllib.request", "import http.client", "from http import client",
        "from urllib import request", "import aiohttp", "import urllib3",
    ],
)  # fmt: skip
def test_a_client_that_is_made_elsewhere_is_found(source):
    assert _http_clients_made(source)


def test_health_checks_in_containers_ask_directly():
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    checks = {
        name: " ".join(map(str, each["healthcheck"]["test"]))
        for name, each in services.items()
        if "healthcheck" in each
    }
    python = {name: check for name, check in checks.items() if "urllib" in check}
    assert len(python) >= 4
    assert all("build_opener(ProxyHandler({}))" in check and "urlopen" not in check for check in python.values())


def _python(package):
    return [path for path in (REPOSITORY / package).rglob("*.py") if "node_modules" not in path.parts]


MADE = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "Client", "AsyncClient"}
OTHER_CLIENTS = {"requests", "urllib.request", "http.client", "aiohttp", "urllib3"}
IMPORTS_ONE = re.compile(
    rf"^\s*(?:import|from) .*\b(?:{'|'.join({name.partition('.')[0] for name in ('httpx', *OTHER_CLIENTS)})})\b", re.M
)


def _http_clients_made(source):
    """Lines of a source that make an HTTP client, or import what makes one."""
    if not IMPORTS_ONE.search(source):
        return []  # most modules: to parse all of them takes seconds
    tree = ast.parse(source)
    httpx_is = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "httpx"
    }
    return [getattr(node, "lineno", 0) for node in ast.walk(tree) if _makes_one(node, httpx_is)]


def _makes_one(node, httpx_is):
    if isinstance(node, ast.Import):
        return any(alias.name in OTHER_CLIENTS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        return bool({node.module, *names} & (OTHER_CLIENTS | {f"httpx.{name}" for name in MADE}))
    called = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id in httpx_is
        and called.attr in MADE
    )
