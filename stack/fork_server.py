"""The process that the TaskManager's Python workers are forked from (flink/patches/forked_workers)."""

import socket
import sys
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from flink.patches.forked_workers import launcher_script
from stack.layout import Layout
from stack.server import NotYet, Server


class ForkServer(Server):
    """Ready when it listens: by then it has imported everything."""

    name = "forkserver"
    ready_within_s = 240
    """It imports all of Beam: over 120 s on two cores with a load of 20."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "jobs.fork_server", str(self._socket)]

    def configure(self) -> None:
        atomic_write_text(worker_python(self.layout), launcher_script(sys.executable, str(self._socket)), mode=0o700)

    def check(self) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(str(self._socket))
            except OSError as error:
                raise NotYet("it imports what Python workers need") from error

    @property
    def _socket(self) -> Path:
        return self.layout.unix_socket("forkserver")


def worker_python(layout: Layout) -> Path:
    """What Flink runs as Python: a worker forked at once, and where no server answers a plain interpreter."""
    return layout.folder("flink") / "worker-python"
