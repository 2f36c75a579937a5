"""An answer is sent in one write: an instance that is killed has sent all of it, or nothing.

uvicorn writes head and body separately. Killed in between, it would leave a head that HAProxy has passed on already,
and that no other instance can complete. It also saves a system call per request.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1.1 "
END_OF_HEAD = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100"


class SingleWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol, on a transport that waits for the body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, HeadKeepingTransport(transport)))


class HeadKeepingTransport:
    """Keeps a head until its body is written; everything else is the transport's own."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """A body may be empty, but uvicorn always writes one."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.endswith(END_OF_HEAD) and data.startswith(HEAD) and not data.startswith(CONTINUE):
            self._head = data
            return
        self._transport.write(data)

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
