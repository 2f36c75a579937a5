"""Drills on the processes of the pipeline: each is killed without a word, and comes back by itself."""

import psutil

from drills.context import Context
from drills.drill import Drill, Protection
from headrace.polling import wait_until

WINDOW_FILLS_S = 3.0
WORKER_GONE_WITHIN_S = 30.0
LISTENER_KILLED = 2
LISTENER_GOES_ON_S = 3.0


def kill_the_bridge_with_a_full_window(context: Context) -> None:
    with context.frozen("kafka"):
        context.hold(WINDOW_FILLS_S)
        context.kill("bridge")


def kill_the_listener_with_a_full_window(context: Context) -> None:
    for _ in range(LISTENER_KILLED):
        with context.frozen("kafka"):
            context.hold(WINDOW_FILLS_S)
            context.kill("listener-1")
        context.environment.wait_until_ready("listener-1")
        context.flow(LISTENER_GOES_ON_S)


def kill_the_taskmanager(context: Context) -> None:
    context.wait_for_the_middle("clean_telemetry")
    context.kill("taskmanager")


def kill_the_jobmanager(context: Context) -> None:
    context.wait_for_the_middle("clean_telemetry")
    context.kill("jobmanager")
    context.environment.wait_until_ready("jobmanager")
    context.wait_for_jobs()


def kill_a_python_worker(context: Context) -> None:
    context.wait_for_the_middle("score_anomalies")
    worker = python_workers(context.pid("forkserver"))[0]
    worker.kill()
    context.announce(f"killed the Python worker {worker.pid} with -9")
    wait_until("the worker to be gone", lambda: not worker.is_running(), WORKER_GONE_WITHIN_S)


def kill_the_fork_server(context: Context) -> None:
    context.wait_for_the_middle("score_anomalies")
    workers = python_workers(context.pid("forkserver"))
    context.kill("forkserver")
    context.announce(f"{len(workers)} Python workers end with it")
    wait_until("its workers to be gone", lambda: not any(each.is_running() for each in workers), WORKER_GONE_WITHIN_S)


def python_workers(fork_server: int) -> list[psutil.Process]:
    """The workers that were forked, the oldest first."""
    workers = psutil.Process(fork_server).children()
    return sorted(workers, key=lambda process: process.create_time())


DRILLS = (
    Drill(
        name="bridge-killed",
        breaks=f"The bridge is killed with -9 while {WINDOW_FILLS_S:.0f} s of messages wait in its window for Kafka.",
        protected_by=Protection(
            "connectors/mqtt_bridge/acknowledgements.py",
            "while waiting and waiting[0][2].is_done:",
            "only what Kafka has confirmed is acknowledged",
        ),
        inject=kill_the_bridge_with_a_full_window,
        seen_failing="`while waiting:` in its place: 307 of 1,976 readings lost everywhere",
    ),
    Drill(
        name="listener-killed",
        breaks="The listener is killed with -9 twice, while messages of a connected device wait in it for Kafka.",
        protected_by=Protection(
            "connectors/listener/connections.py",
            "if not confirmation.is_done:",
            "only what Kafka has confirmed is acknowledged",
        ),
        inject=kill_the_listener_with_a_full_window,
        seen_failing="`if False:` in its place: 604 of 2,751 acknowledged readings in no topic",
        through_listener=True,
    ),
    Drill(
        name="taskmanager-killed",
        breaks="The TaskManager is killed with -9, and every job with it.",
        protected_by=Protection(
            "jobs/tables.py",
            '"sink.delivery-guarantee": "exactly-once"',
            "what was written since the last checkpoint is aborted before it is written again",
        ),
        inject=kill_the_taskmanager,
        seen_failing='`"at-least-once"` in its place: 247 readings and 600 scores doubled of 4,762, and the balance '
        "broken",
    ),
    Drill(
        name="jobmanager-killed",
        breaks="The JobManager is killed with -9.",
        protected_by=Protection(
            "flink-conf/config.yaml",
            "high-availability.type: zookeeper",
            "the new JobManager finds the jobs of the old one",
        ),
        inject=kill_the_jobmanager,
        seen_failing="`NONE` in its place: no job came back within 120 s, 13,976 of 14,526 readings lost",
    ),
    Drill(
        name="python-worker-killed",
        breaks="One Python worker of a job is killed with -9.",
        protected_by=Protection(
            "flink-conf/config.yaml",
            "restart-strategy.type: exponential-delay",
            "the job starts again from its last checkpoint",
        ),
        inject=kill_a_python_worker,
        seen_failing="`none` in its place: no recovery, 9,262 of 10,105 readings without a score",
    ),
    Drill(
        name="forkserver-killed",
        breaks="The process that all Python workers are forked from is killed with -9, and every worker with it.",
        protected_by=Protection(
            "flink-conf/config.yaml",
            "restart-strategy.type: exponential-delay",
            "the jobs start again from their last checkpoints, with plain interpreters until the server is back",
        ),
        inject=kill_the_fork_server,
        seen_failing="`none` in its place: no recovery, 7,886 of 8,344 readings lost",
    ),
)
