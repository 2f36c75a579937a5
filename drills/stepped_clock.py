"""A wall clock that a drill sets, for one server of the stack: libfaketime gives it to that process alone."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drills.context import Context
from drills.errors import NotPrepared
from headrace.polling import wait_until
from stack import orphans
from stack.server import NotYet, Server
from stack.servers import servers

LIBRARY = "faketime/libfaketimeMT.so.1"
LIBRARIES = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"))
"""Debian has it in a folder of the architecture below the first, Fedora in the second."""


class SteppedClock:
    """How far the clock is set off, in a file that libfaketime reads at each look at the clock.

    Only the wall clock is set off; what measures durations (CLOCK_MONOTONIC) goes on, as it does on a real host.
    """

    def __init__(self, file: Path, library: Path) -> None:
        self._file, self._library = file, library
        self.step_to(0)

    def step_to(self, offset_s: int) -> None:
        """From now on the clock is right by `offset_s`: above 0 it is ahead."""
        partial = self._file.with_suffix(".partial")
        partial.write_text(f"{offset_s:+d}\n")
        partial.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """Of the process that is to have this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # With it a JVM's timed waits return at once.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }


def library() -> Path | None:
    """Where libfaketime is."""
    places = (path for folder in LIBRARIES for path in (folder / LIBRARY, *folder.glob(f"*/{LIBRARY}")))
    return next((path for path in places if path.exists()), None)


def why_no_stepped_clock() -> str:
    """Why this machine cannot set the clock of one process; empty where it can."""
    return "" if library() else "it needs libfaketime to set one process's clock (Debian: apt-get install faketime)"


@contextmanager
def on_a_stepped_clock(context: Context, name: str) -> Iterator[SteppedClock]:
    """The server restarted with a clock that the drill sets; at the end it has the host's clock again."""
    layout, found = context.environment.layout, library()
    server = next(each for each in servers(layout) if each.name == name)
    if found is None:
        raise NotPrepared(why_no_stepped_clock())
    clock = SteppedClock(layout.folder("run") / f"{name}.clock", found)
    context.stop(name)
    environment = layout.environment() | server.environment() | clock.environment | {orphans.MARK: name}
    with layout.log(name).open("a") as log:
        process = subprocess.Popen(server.command(), cwd=layout.home, env=environment, stdout=log, stderr=log)
    try:
        wait_until(f"{name} with a clock of its own", lambda: _is_ready(server), server.ready_within_s)
        context.announce(f"{name} runs again ({process.pid}), with a clock that the drill sets")
        yield clock
        if process.poll() is not None:
            raise NotPrepared(f"{name} ended with {process.returncode} while its clock was stepped")
    finally:
        process.terminate()
        try:
            process.wait(server.stop_within_s)
        finally:
            process.kill()
        context.start(name)


def _is_ready(server: Server) -> bool:
    try:
        server.check()
    except (NotYet, OSError):
        return False
    return True
