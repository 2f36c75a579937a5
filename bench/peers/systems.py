"""What scores readings: a peer's process, or a job of Headrace. Each is started, watched, killed and stopped alike."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from bench.job_cost import cancel, cpu_s, process, submit
from bench.peers import environments
from bench.reset_offsets import reset_offsets
from jobs.names import consumer_group
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS, Topic
from stack.layout import Layout

PROGRAMS = Path(__file__).with_name("programs")
STOP_WITHIN_S = 30


class System(Protocol):
    """One that has not read anything yet."""

    scores: Topic

    def start(self) -> None: ...

    def cpu_s(self) -> float:
        """CPU seconds of all its processes since they were started."""

    def kill(self) -> None:
        """SIGKILL to what scores; nothing is told before."""

    def restart(self) -> None:
        """After `kill`, at once; nothing where the system does that by itself."""

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Peer:
    """How a peer is called and run.

    Parameters
    ----------
    environment
        Name of its requirements.
    commands
        From the Python of its environment, bootstrap servers, topic of scores, detector and folder of state: those that
        prepare the folder, and at last the one that scores.
    """

    name: str
    environment: str
    commands: Callable[[str, str, str, str, Path], Sequence[Sequence[str]]]


def _loop(program: str, *more: str) -> Callable[[str, str, str, str, Path], Sequence[Sequence[str]]]:
    def commands(python: str, bootstrap: str, target: str, detector: str, state: Path) -> Sequence[Sequence[str]]:
        return [[python, program, bootstrap, TELEMETRY_READINGS.name, target, detector, str(state), *more]]

    return commands


def _bytewax(python: str, bootstrap: str, target: str, detector: str, state: Path) -> Sequence[Sequence[str]]:
    flow = f"bytewax_flow:scores({bootstrap!r}, {TELEMETRY_READINGS.name!r}, {target!r}, {detector!r})"
    return [
        [python, "-m", "bytewax.recovery", str(state), "1"],
        [python, "-m", "bytewax.run", flow, "-r", str(state), "-s", "5", "-b", "0"],
    ]


PARTITIONS = str(TELEMETRY_READINGS.partitions)
PEERS = (
    Peer("confluent-kafka loop", "confluent-kafka", _loop("confluent_kafka_loop.py", PARTITIONS)),
    Peer("kafka-python loop", "kafka-python", _loop("kafka_python_loop.py", PARTITIONS)),
    Peer("Bytewax", "bytewax", _bytewax),
    Peer("Quix Streams, at least once", "quix-streams", _loop("quix_streams_app.py", "at-least-once")),
    Peer("Quix Streams, exactly once", "quix-streams", _loop("quix_streams_app.py", "exactly-once")),
)  # fmt: skip


class PeerProcess:
    """A peer in a process of its own environment.

    Parameters
    ----------
    scores
        Its topic, made already.
    folder
        For environments, state and logs.
    make_environment
        From the folder of environments and a name, the path of its Python.
    """

    def __init__(
        self, peer: Peer, bootstrap: str, detector: str, scores: Topic, folder: Path,
        make_environment: Callable[[Path, str], Path] = environments.make,
    ) -> None:  # fmt: skip
        self.scores = scores
        state = folder / "state" / scores.name
        state.mkdir(parents=True)
        self._log = (folder / f"{scores.name}.log").open("ab")
        python = make_environment(folder / "environments", peer.environment)
        *prepare, self._command = peer.commands(str(python), bootstrap, scores.name, detector, state)
        for command in prepare:
            subprocess.run(command, check=True, cwd=PROGRAMS, capture_output=True, text=True)

    def start(self) -> None:
        # A group of its own, so that a kill meets whatever it has started.
        self._process = subprocess.Popen(
            self._command, cwd=PROGRAMS, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self._watched = psutil.Process(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_s(self) -> float:
        if self._process.poll() is not None:
            raise RuntimeError(f"ended by itself with {self._process.returncode}: {self._log.name}")
        processes = [self._watched, *self._watched.children(recursive=True)]
        return float(sum(sum(each.cpu_times()[:2]) for each in processes))

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        self.start()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._log.close()


class HeadraceJob:
    """The job score_anomalies on a stack that is up: JobManager, TaskManager and its Python workers."""

    scores = TELEMETRY_ANOMALIES

    def __init__(self, layout: Layout, detector: str) -> None:
        self._layout = layout
        self._detector = detector

    def start(self) -> None:
        os.environ["HEADRACE_JOB_DETECTOR"] = self._detector
        reset_offsets(self._layout, consumer_group("score_anomalies"))
        self._servers = [process(self._layout, name) for name in ("jobmanager", "taskmanager", "forkserver")]
        self._job = submit(self._layout, "jobs.score_anomalies", [])

    def cpu_s(self) -> float:
        jobmanager, taskmanager, fork_server = self._servers
        return sum(jobmanager.cpu_times()[:2]) + sum(cpu_s(taskmanager, fork_server))

    def kill(self) -> None:
        _, taskmanager, fork_server = self._servers
        for each in (taskmanager, *fork_server.children()):
            each.kill()

    def restart(self) -> None:
        """The stack starts its TaskManager again, and Flink its job."""

    def stop(self) -> None:
        cancel(self._layout, self._job)
