"""Busy ports are named before anything starts."""

import socket

import psutil

from connectors.endpoints import LOOPBACK
from stack.errors import PortBusy
from stack.server import Server


def require_free(servers: list[Server]) -> None:
    """Check that nobody listens on the ports of these servers.

    Raises
    ------
    PortBusy
        Names the first port that is taken.
    """
    for server in servers:
        for port in server.ports:
            if not _free(port):
                raise PortBusy(
                    f"Port {port} of {server.name} is taken{_by_whom(port)}. "
                    "Stop that, or move all ports:  headrace up --port-offset 1000"
                )


def _free(port: int) -> bool:
    with socket.socket() as listener:
        # As the servers do: a connection of the last run in TIME_WAIT is no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _by_whom(port: int) -> str:
    try:
        pids = [
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == "LISTEN" and each.laddr and each.laddr.port == port
        ]
        return f" by {psutil.Process(pids[0]).name()} (process {pids[0]})"
    except (psutil.Error, IndexError):  # only root sees other users' processes
        return ""
