"""CPU time that one Flink job spends on one record, taken from outside: the TaskManager and the Python workers."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import psutil

from connectors import http_clients
from headrace import submission
from headrace.stack import flink_distribution
from headrace.stack.layout import Layout
from headrace.stack.supervision import Supervision

WARM_FROM = 0.5
"""The share of the records after which a job counts as warm: until then the JVM compiles it."""


@dataclass(frozen=True)
class Cost:
    """CPU microseconds a record, warm."""

    jvm_us: float
    python_us: float

    @property
    def total_us(self) -> float:
        return self.jvm_us + self.python_us


def run_job(
    layout: Layout,
    module: str,
    arguments: Sequence[str],
    records: int,
    done: Callable[[], int],
    windows: int = 1,
    at_mark: Callable[[], None] = lambda: None,
) -> list[Cost]:
    """Submits `python -m module arguments`, follows `done()` up to `records`, cancels the job.

    Gives the cost in each of so many windows that follow each other once the job is warm, and calls `at_mark` where
    each begins and the last one ends. Raises RuntimeError when nothing moves for a minute.
    """
    job = _submit(layout, module, arguments)
    try:
        return _follow(layout, records, done, windows, at_mark)
    finally:
        http_clients.request(
            "PATCH", f"http://{layout.endpoints.flink}/jobs/{job}", timeout_s=30, params={"mode": "cancel"}
        )
        _wait_until_ended(layout, job)


def _submit(layout: Layout, module: str, arguments: Sequence[str]) -> str:
    environment = os.environ | layout.environment() | flink_distribution.environment(layout)
    command = submission.run_line(layout, module, arguments, layout.endpoints.flink)
    client = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in client.stdout or ():
        lines.append(line)
        if line.startswith("Job has been submitted with JobID"):
            # Not waited for: a quick job would be through before its client has ended.
            return line.split()[-1]
    raise RuntimeError(f"{module} was not submitted:\n{''.join(lines)[-4000:]}")


def _follow(
    layout: Layout, records: int, done: Callable[[], int], windows: int, at_mark: Callable[[], None]
) -> list[Cost]:
    taskmanager, fork_server = (_process(layout, name) for name in ("taskmanager", "forkserver"))
    marks = [WARM_FROM + (1 - WARM_FROM) * number / windows for number in range(windows + 1)]
    passed: list[tuple[int, float, float]] = []
    moved_at, before = time.monotonic(), -1
    while len(passed) < len(marks):
        count = done()
        if count != before:
            moved_at, before = time.monotonic(), count
        elif time.monotonic() - moved_at > 60:
            raise RuntimeError(f"the job stands still at {count} of {records} records")
        if count >= marks[len(passed)] * records:
            passed.append((count, *_cpu_s(taskmanager, fork_server)))
            at_mark()
        time.sleep(0.1)
    return [_cost(start, end, records) for start, end in pairwise(passed)]


def _cost(start: tuple[int, float, float], end: tuple[int, float, float], records: int) -> Cost:
    count, jvm_s, python_s = (later - earlier for earlier, later in zip(start, end, strict=True))
    if count <= 0:
        raise RuntimeError(f"{records} records are too few: the job was through before it could be watched")
    return Cost(jvm_s / count * 1e6, python_s / count * 1e6)


def _process(layout: Layout, name: str) -> psutil.Process:
    return psutil.Process(Supervision(layout).process(name)["pid"])


def _cpu_s(taskmanager: psutil.Process, fork_server: psutil.Process) -> tuple[float, float]:
    """User and system seconds of the JVM, and of the Python workers."""
    jvm = sum(taskmanager.cpu_times()[:2])
    python = 0.0
    for child in [*taskmanager.children(recursive=True), *fork_server.children()]:
        try:
            python += sum(child.cpu_times()[:2])
        except psutil.Error:
            continue
    return jvm, python


def _wait_until_ended(layout: Layout, job: str) -> None:
    for _ in range(600):
        state = http_clients.get(f"http://{layout.endpoints.flink}/jobs/{job}", timeout_s=10).json()["state"]
        if state in {"CANCELED", "FAILED", "FINISHED"}:
            return
        time.sleep(0.1)
