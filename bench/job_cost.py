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
from stack import flink_distribution
from stack.layout import Layout
from stack.supervision import Supervision

WARM_FROM = 0.5
"""The share of the records after which a job counts as warm: until then the JVM compiles it."""

MAX_RUNS = 5
"""Of a job that is too quick to be watched, with more records each time."""


STANDS_STILL_S = 180.0

Cpu = Callable[[], tuple[float, float]]
"""Seconds of the JVM, and of the Python workers."""


@dataclass(frozen=True)
class Cost:
    """CPU microseconds a record, between the calls of `at_mark` with the numbers `begin` and `end`, from 0."""

    jvm_us: float
    python_us: float
    begin: int
    end: int
    is_warm: bool
    """Whether the job was warm when it began."""

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
    more: Callable[[], int] | None = None,
) -> list[Cost]:
    """Submits `python -m module arguments`, follows `done()` up to `records`, cancels the job.

    Gives what `costs` gives. A job that was through before so many windows could be told apart is run again after
    `more`, which sends more records, forgets what the job has read, and returns how many records there then are (it
    goes with no `at_mark`, whose numbers begin anew). Raises RuntimeError when nothing moves for three minutes.
    """
    for _ in range(MAX_RUNS):
        found = _run_once(layout, module, arguments, records, done, windows, at_mark)
        if more is None or (len(found) == windows and found[0].is_warm):
            break
        records = more()
        print(f"through before it could be watched: again, with {records:,} records", flush=True)
    return found


def _run_once(
    layout: Layout,
    module: str,
    arguments: Sequence[str],
    records: int,
    done: Callable[[], int],
    windows: int,
    at_mark: Callable[[], None],
) -> list[Cost]:
    job = submit(layout, module, arguments)
    taskmanager, fork_server = (process(layout, name) for name in ("taskmanager", "forkserver"))
    try:
        return costs(records, done, lambda: cpu_s(taskmanager, fork_server), windows, at_mark)
    finally:
        cancel(layout, job)


def submit(layout: Layout, module: str, arguments: Sequence[str]) -> str:
    """Starts a job; its id."""
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


def costs(
    records: int,
    done: Callable[[], int],
    cpu: Cpu,
    windows: int = 1,
    at_mark: Callable[[], None] = lambda: None,
    pause_s: float = 0.1,
    stands_still_s: float = STANDS_STILL_S,
) -> list[Cost]:
    """The cost in each of so many windows that follow each other once the job is warm.

    A window begins and ends where `done` was seen to move, of which `at_mark` is told: checkpoints may be few. So there
    are fewer windows where it moved seldom, and one that begins before the job was warm where it moved once.

    Raises RuntimeError when nothing moves for `stands_still_s`.
    """
    ends: list[int]
    samples, ends, target = [(0, *cpu())], [], WARM_FROM * records
    at_mark()
    moved_at = time.monotonic()
    while samples[-1][0] < records and len(ends) <= windows:
        if (count := done()) > samples[-1][0]:
            samples.append((count, *cpu()))
            at_mark()
            moved_at = time.monotonic()
            if count >= target:
                ends.append(len(samples) - 1)
                # What is left is shared out anew: a late end of one window does not swallow the next.
                target = count + (records - count) / max(1, windows + 1 - len(ends))
        elif time.monotonic() - moved_at > stands_still_s:
            raise RuntimeError(f"the job stands still at {samples[-1][0]} of {records} records")
        else:
            time.sleep(pause_s)
    is_warm = len(ends) > 1
    if not is_warm:
        ends.insert(0, ends[0] - 1)
    return [_cost(samples, begin, end, is_warm) for begin, end in pairwise(ends)]


def _cost(samples: Sequence[tuple[int, float, float]], begin: int, end: int, is_warm: bool) -> Cost:
    count, jvm_s, python_s = (later - earlier for earlier, later in zip(samples[begin], samples[end], strict=True))
    return Cost(jvm_s / count * 1e6, python_s / count * 1e6, begin, end, is_warm)


def process(layout: Layout, name: str) -> psutil.Process:
    """That of one of the stack's servers."""
    return psutil.Process(Supervision(layout).process(name)["pid"])


def cpu_s(taskmanager: psutil.Process, fork_server: psutil.Process) -> tuple[float, float]:
    """User and system seconds of the JVM, and of the Python workers."""
    jvm = sum(taskmanager.cpu_times()[:2])
    python = 0.0
    for child in [*taskmanager.children(recursive=True), *fork_server.children()]:
        try:
            python += sum(child.cpu_times()[:2])
        except psutil.Error:
            continue
    return jvm, python


def cancel(layout: Layout, job: str) -> None:
    """Ends a job and waits until it has ended."""
    http_clients.request(
        "PATCH", f"http://{layout.endpoints.flink}/jobs/{job}", timeout_s=30, params={"mode": "cancel"}
    )
    for _ in range(600):
        state = http_clients.get(f"http://{layout.endpoints.flink}/jobs/{job}", timeout_s=10).json()["state"]
        if state in {"CANCELED", "FAILED", "FINISHED"}:
            return
        time.sleep(0.1)
