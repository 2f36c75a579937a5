"""/healthz, /readyz and /metrics."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

from connectors.mqtt_bridge.metrics import BridgeCollector
from connectors.mqtt_bridge.status import Status

TEXT = "text/plain; charset=utf-8"
Answer = tuple[int, str, bytes]


class Pages:
    """What each path answers. Apart from the server, so that it is tested without one."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._registry = CollectorRegistry()
        self._registry.register(BridgeCollector(status))
        ProcessCollector(registry=self._registry)

    def answer(self, path: str) -> Answer:
        pages = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics}
        page = pages.get(path.partition("?")[0])
        return page() if page else (404, TEXT, b"/healthz, /readyz or /metrics\n")

    def _healthz(self) -> Answer:
        return (503, TEXT, b"the network loop hangs\n") if self._status.hangs() else (200, TEXT, b"ok\n")

    def _readyz(self) -> Answer:
        missing = self._status.not_ready()
        return (503, TEXT, ("; ".join(missing) + "\n").encode()) if missing else (200, TEXT, b"ready\n")

    def _metrics(self) -> Answer:
        return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)


def serve(pages: Pages, host: str, port: int) -> ThreadingHTTPServer:
    """Answer on a thread of its own, until `shutdown()`. Raises OSError where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, content_type, body = pages.answer(self.path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds: no line for each."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
