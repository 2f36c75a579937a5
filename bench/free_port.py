"""A port that nobody listens on, for a process of a bench's or a test's own."""

import socket

from connectors.endpoints import LOOPBACK


def free_port() -> int:
    """Free now; somebody else may take it before it is used."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])
