"""A Redis that answers every write with one prepared reply: for replies that a real one gives seldom."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import BinaryIO

SETUP = {b"HELLO", b"CLIENT", b"AUTH", b"SELECT", b"PING"}


@contextmanager
def answering(reply: str) -> Iterator[int]:
    """Its port. `reply` is the line as it goes over the wire, without the line end: `-MISCONF ...`."""

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while command := _command(self.rfile):
                self.wfile.write(_answer(command, reply))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _command(requests: BinaryIO) -> list[bytes]:
    """https://redis.io/docs/latest/develop/reference/protocol-spec/, an array of bulk strings; empty at the end."""
    head = requests.readline()
    return [requests.read(int(requests.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))] if head else []


def _answer(command: list[bytes], reply: str) -> bytes:
    if command[0] in SETUP:
        return b"+OK\r\n"
    if command[:2] == [b"SCRIPT", b"EXISTS"]:
        shas = len(command) - 2
        return b"*%d\r\n" % shas + b":1\r\n" * shas
    return reply.encode() + b"\r\n"
