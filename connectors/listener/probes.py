"""/healthz, /readyz and /metrics, on a port that devices do not see.

They are answered by the event loop that serves the devices: where it hangs, no probe is answered.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

from connectors.listener.connections import Connections
from connectors.listener.http_connection import HttpConnection, HttpError, Request, response
from connectors.listener.metrics import ListenerCollector
from connectors.listener.status import Status

TEXT: Final = "text/plain; charset=utf-8"
Answer = tuple[HTTPStatus, str, bytes]


class Probes:
    """What each path answers."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._registry = CollectorRegistry()
        self._registry.register(ListenerCollector(status))
        ProcessCollector(registry=self._registry)
        self._pages: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: (HTTPStatus.OK, TEXT, b"ok\n"),
            "/readyz": self._readyz,
            "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)),
        }

    def answer(self, target: str) -> Answer:
        """The answer of /healthz, /readyz or /metrics.

        Raises
        ------
        HttpError
            When the target is none of these.
        """
        page = self._pages.get(target.partition("?")[0])
        if page is None:
            raise HttpError(HTTPStatus.NOT_FOUND, "there are /healthz, /readyz and /metrics")
        return page()

    def _readyz(self) -> Answer:
        missing = self._status.not_ready()
        if missing:
            return HTTPStatus.SERVICE_UNAVAILABLE, TEXT, ("; ".join(missing) + "\n").encode()
        return HTTPStatus.OK, TEXT, b"ready\n"


class ProbeConnection(HttpConnection):
    """Of Prometheus, an orchestrator, or the local stack."""

    protocol = "probe"

    def __init__(self, connections: Connections, probes: Probes) -> None:
        super().__init__(connections, max_body_bytes=0)
        self._probes = probes

    def begin(self, request: Request) -> None:
        """Refuse every method but GET.

        Raises
        ------
        HttpError
            When the request has another method.
        """
        if request.method != "GET":
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "probes are asked with GET", ("Allow", "GET"))

    def respond(self, request: Request) -> None:
        """Answer the probe.

        Raises
        ------
        HttpError
            When the target is none of the probes.
        """
        status, content_type, body = self._probes.answer(request.target.decode("latin-1"))
        self.answer(response(status, content_type, body, request.keep_alive))
