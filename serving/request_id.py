"""Each request has an id: the client's `X-Request-ID`, or a new one. The answer and the log carry it."""

import logging
import os
import re
from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HEADER = b"x-request-id"
_SCOPE_KEY = "headrace.request_id"
_FORM = re.compile(rb"[A-Za-z0-9._~-]{1,128}")
"""Unreserved characters of RFC 3986: such an id is a URI reference and cannot forge a line of the log."""

_current: ContextVar[bytes | None] = ContextVar("request_id", default=None)


def add_request_id(record: logging.LogRecord) -> bool:
    """A filter of a log handler: gives each line that a request causes its id."""
    if (current := _current.get()) is not None and not hasattr(record, "request_id"):
        record.request_id = current.decode()
    return True


class RequestIds:
    """ASGI: the outermost layer. Gives requests their ids, and logs with the id what an endpoint did not expect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        scope[_SCOPE_KEY] = request_id = _presented(scope) or os.urandom(16).hex().encode()
        _current.set(request_id)  # the server runs each request in a context of its own

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, request_id)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            # Starlette has answered already, and raises it again for whoever logs: here, where the id is known.
            known = request_id.decode()
            log.exception(
                "%s %s failed: request %s", scope["method"], _resource(scope), known, extra={"request_id": known}
            )


def request_id(request: Request) -> str:
    """The id of a request that came through `RequestIds`."""
    found: bytes = request.scope[_SCOPE_KEY]
    return found.decode()


def _resource(scope: Scope) -> str:
    """The first segment of the path: the rest may name a user."""
    path: bytes = scope["raw_path"]
    return b"/".join(path.split(b"/", 2)[:2]).decode("ascii", "backslashreplace")


def _presented(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == HEADER:
            presented: bytes = value
            return presented if _FORM.fullmatch(presented) else None
    return None
