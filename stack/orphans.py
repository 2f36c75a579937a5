"""Processes of a stack, found by their environment: also those whose supervisord was killed."""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

MARK = "HEADRACE_PROCESS"
"""Set for what supervisord starts, and inherited by Flink's Python workers. HEADRACE_HOME alone would also name the
shell that exported it, and a `headrace publish` in another window."""


def find(home: Path, processes: Iterable[psutil.Process] | None = None) -> list[psutil.Process]:
    """Processes that carry the mark and this home; zombies are nobody's any more."""
    processes = psutil.process_iter() if processes is None else processes
    return [process for process in processes if _belongs(process, home)]


def end(found: list[psutil.Process], within_s: float = 20) -> list[psutil.Process]:
    """SIGTERM, then SIGKILL. Returns what is left even so."""
    for process in found:
        _quietly(process.terminate)
    return kill(psutil.wait_procs(found, timeout=within_s)[1])


def kill(found: list[psutil.Process]) -> list[psutil.Process]:
    """SIGKILL. Returns what is left even so."""
    for process in found:
        _quietly(process.kill)
    return psutil.wait_procs(found, timeout=10)[1]


def _belongs(process: psutil.Process, home: Path) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return _is_marked(process, home) or _is_redis(process, home)
    except (psutil.Error, OSError):  # another user's, or gone
        return False


def _is_marked(process: psutil.Process, home: Path) -> bool:
    environment = process.environ()
    return MARK in environment and environment.get("HEADRACE_HOME") == str(home)


def _is_redis(process: psutil.Process, home: Path) -> bool:
    """Redis writes its title over its environment; the folder it works in tells whose it is."""
    return process.name() == "redis-server" and process.cwd() == str(home / "redis")


def _quietly(signal: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        signal()
