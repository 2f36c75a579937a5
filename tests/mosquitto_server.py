"""A Mosquitto of a test's own, on a port and in a folder of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.free_port import free_port

STARTS_WITHIN_S = 60
CONFIGURATION = """\
{user}listener {port} 127.0.0.1
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
{more}
"""
ANYBODY = """\
allow_anonymous true
max_queued_messages 0
max_inflight_messages 0
sys_interval 1
"""


@dataclass
class MosquittoServer:
    """Starts, stops, is killed, forgets. `more` is its configuration beyond port and folder."""

    folder: Path
    more: str = ANYBODY
    port: int = field(default_factory=free_port)

    def start(self) -> None:
        """And wait until it listens."""
        file = self.folder / "mosquitto.conf"
        # As root it would step down to the user mosquitto, who may not read the folder.
        user = "user root\n" if os.getuid() == 0 else ""
        file.write_text(CONFIGURATION.format(user=user, port=self.port, folder=self.folder, more=self.more))
        self.process = subprocess.Popen([_program(), "-c", str(file)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._listens():
            assert time.monotonic() < deadline, "Mosquitto does not listen"
            assert self.process.poll() is None, f"Mosquitto ended: {file}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Saves its sessions and queues."""
        self.process.terminate()
        self.process.wait(20)

    def forget_everything(self) -> None:
        """While it does not run."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def _program() -> str:
    # Debian's folder of daemons is in nobody's PATH.
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    assert found, "Mosquitto is not installed: headrace setup"
    return found
