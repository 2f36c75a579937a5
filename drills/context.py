"""What a drill can do to the stack while readings flow."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from connectors.endpoints import Endpoints
from drills import killing
from drills.committed import CommittedOutputs
from drills.environment import Environment
from drills.killing import RESTARTED_WITHIN_S
from drills.stores_watch import StoreWatch
from drills.stream import NumberedStream
from headrace.flink_jobs import FlinkJobs
from headrace.polling import wait_until
from jobs.names import JOBS
from stack.supervision import Supervision

MIDDLE_WITHIN_S = 60.0
MIDDLE_S = (2.0, 3.5)
"""Checkpoints are 5 s apart (flink-conf/config.yaml)."""


@dataclass
class Context:
    """The stack, the stream that flows through it, and hands to break things with."""

    environment: Environment
    prefix: str
    """What the names of this run's devices begin with."""
    stream: NumberedStream
    redis: StoreWatch
    influxdb: StoreWatch
    committed: CommittedOutputs
    flink: FlinkJobs
    announce: Callable[[str], None]
    held_s: float = 0.0
    """How long `inject` kept something broken on purpose: no part of the time to recover."""
    failures_before: int = 0
    """How often the jobs had failed when `inject` began."""
    recovered_s: float | None = None
    """Set by an `inject` that knows better than the longest wait of a reading."""
    problems: list[str] = field(default_factory=list)
    """What `inject` saw that is not as it should be, one sentence each."""
    notes: list[str] = field(default_factory=list)
    """What the drill found out that is worth a line in the report."""

    @property
    def endpoints(self) -> Endpoints:
        return self.environment.layout.endpoints

    @property
    def supervision(self) -> Supervision:
        return Supervision(self.environment.layout)

    def pid(self, server: str) -> int:
        """Of a server that runs."""
        return killing.pid_of(server, self.supervision)

    def kill(self, server: str) -> None:
        """SIGKILL; supervisord starts it again, and this returns when it has."""
        killing.kill(server, self.supervision, self.announce)

    def kill_together(self, *servers: str) -> None:
        """SIGKILL to all of them at a time; this returns when each is ready again."""
        pids = {server: self.pid(server) for server in servers}
        for pid in pids.values():
            psutil.Process(pid).kill()
        self.announce(f"killed {' and '.join(servers)} with -9")
        for server, killed in pids.items():
            wait_until(f"{server} to run again", lambda: self.pid(server) != killed, RESTARTED_WITHIN_S)  # noqa: B023
            self.environment.wait_until_ready(server)

    def stop(self, server: str) -> None:
        """An orderly stop; it stays down until `start`."""
        self.supervision.stop([server])
        self.announce(f"stopped {server}")

    def start(self, server: str) -> None:
        """And waits until it is ready."""
        self.supervision.start_process(server)
        self.announce(f"started {server}")
        self.environment.wait_until_ready(server)

    @contextmanager
    def frozen(self, server: str) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end: alive to the system, silent to everybody."""
        process = psutil.Process(self.pid(server))
        with killing.suspended(process):
            self.announce(f"froze {server} ({process.pid})")
            yield
        self.announce(f"{server} goes on")

    def hold(self, seconds: float) -> None:
        """Keeps what is broken broken for so long, while the stream flows: no part of the time to recover."""
        began = time.monotonic()
        self.flow(seconds)
        self.held_s += time.monotonic() - began

    def flow(self, seconds: float) -> None:
        """Lets the stream flow for so long."""
        began, sent = time.monotonic(), self.stream.sent
        wait_until("the time to pass", lambda: time.monotonic() - began >= seconds, seconds + 1)
        self.announce(f"{self.stream.sent - sent} readings were sent within {seconds:.0f} s")

    def wait_for_jobs(self, jobs: tuple[str, ...] = JOBS) -> None:
        """Until every task of these jobs runs."""
        wait_until("all jobs to run", lambda: self.flink.all_run(jobs), RESTARTED_WITHIN_S)

    def wait_for_the_middle(self, job: str) -> None:
        """Until the job is between two checkpoints, with output that neither of them covers yet."""
        wait_until(
            f"{job} to be between two checkpoints",
            lambda: MIDDLE_S[0] < self.flink.since_checkpoint_s(job) < MIDDLE_S[1],
            MIDDLE_WITHIN_S,
        )

    def stored_after(self, time_ms: int) -> bool:
        """Whether of every device that talks a reading stands in both stores that was sent after `time_ms`."""
        return self.redis.has_all_up_to(time_ms) and self.influxdb.has_all_up_to(time_ms)
