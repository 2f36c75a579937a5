"""Figures of the stack's processes, from supervisord and the system."""

import time
from dataclasses import dataclass
from typing import Any

import psutil

from stack.layout import Layout
from stack.supervision import Supervision


@dataclass(frozen=True)
class ProcessFigures:
    """One server. `workers` are the Python workers below it; their memory is counted apart.

    Memory is the proportional set size: pages that forked workers share count once, not once in each of them.
    """

    name: str
    state: str
    pid: int | None
    memory_bytes: int
    uptime_s: int
    restarts: int
    workers: int = 0
    workers_memory_bytes: int = 0
    started_s: int = 0
    """In seconds since the epoch."""


def collect(layout: Layout) -> list[ProcessFigures]:
    """In the order of the servers.

    Raises
    ------
    NotRunning
    """
    supervision = Supervision(layout)
    processes = supervision.processes()
    starts = supervision.starts()
    return [_figures(name, info, starts.get(name, 0)) for name, info in processes.items()]


def _figures(name: str, info: dict[str, Any], starts: int) -> ProcessFigures:
    pid = info["pid"] or None
    workers = _children(pid) if pid else []
    return ProcessFigures(
        name=name,
        state=info["statename"],
        pid=pid,
        memory_bytes=_memory(pid),
        uptime_s=max(0, int(time.time() - info["start"])) if pid else 0,
        restarts=max(0, starts - 1),
        started_s=info["start"],
        workers=sum(1 for _, process_name in workers if process_name.startswith("python")),
        workers_memory_bytes=sum(_memory(child) for child, _ in workers),
    )


def _children(pid: int) -> list[tuple[int, str]]:
    try:
        return [(child.pid, child.name()) for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _memory(pid: int | None) -> int:
    try:
        return psutil.Process(pid).memory_full_info().pss if pid else 0
    except psutil.Error:
        return 0
