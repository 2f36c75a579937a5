"""Kills and freezes servers of a stack without a word."""

import contextlib
from collections.abc import Callable, Iterator

import psutil

from headrace.polling import wait_until
from stack.supervision import Supervision

RESTARTED_WITHIN_S = 120.0


def pid_of(server: str, supervision: Supervision) -> int:
    """Once it runs.

    Raises
    ------
    NotWithin
    """
    return wait_until(f"{server} to run", lambda: _pid(server, supervision), RESTARTED_WITHIN_S)


def kill(server: str, supervision: Supervision, announce: Callable[[str], None], with_children: bool = False) -> None:
    """SIGKILL; supervisord starts it again, and this returns when it has.

    Raises
    ------
    NotWithin
    """
    killed = psutil.Process(pid_of(server, supervision))
    for process in [killed, *(killed.children(recursive=True) if with_children else [])]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a server's workers come and go
            process.kill()
    announce(f"killed {server} ({killed.pid}) with -9")
    again = f"{server} to be started again"
    wait_until(again, lambda: _pid(server, supervision) not in (0, killed.pid), RESTARTED_WITHIN_S)


@contextlib.contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    """SIGSTOP, and SIGCONT at the end: alive to the system, silent to everybody."""
    process.suspend()
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):  # what ended meanwhile is silent for ever
            process.resume()


def _pid(server: str, supervision: Supervision) -> int:
    return int(supervision.process(server)["pid"])
