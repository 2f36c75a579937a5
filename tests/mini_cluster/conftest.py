"""One JVM for each test process. Each job that a test executes runs on a mini-cluster inside it."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyflink.table import StreamTableEnvironment

from headrace.polling import wait_until
from jobs.environment import table_environment
from stack import flink_distribution, jars, operators_jar
from stack.fork_server import ForkServer, worker_python
from stack.layout import REPOSITORY, Layout
from stack.server import NotYet
from tests.mini_cluster.file_tables import FileTables

HERE = Path(__file__).parent

OPTIONS = {
    "restart-strategy.type": "none",
    "parallelism.default": "1",
    "rest.port": "0",
    # A watermark after each row and not after some: what is late does not depend on the machine.
    "pipeline.auto-watermark-interval": "0 ms",
}

FORKS_WITHIN_S = 120


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.mini_cluster)


@contextlib.contextmanager
def forked_workers(layout: Layout) -> Iterator[None]:
    """Workers are forked, as on the local stack: one that imports everything itself takes 4 s of CPU."""
    server = ForkServer(layout)
    layout.folder("run")
    server.configure()
    with subprocess.Popen(server.command(), cwd=REPOSITORY) as process:
        try:
            wait_until("the server that workers are forked from", lambda: _listens(server), FORKS_WITHIN_S)
            yield
        finally:
            process.terminate()


def _listens(server: ForkServer) -> bool:
    try:
        server.check()
    except NotYet:
        return False
    return True


@pytest.fixture(scope="session")
def _jvm(tmp_path_factory):
    """The environment variables of PyFlink's JVM; the first table environment starts it."""
    layout = Layout(tmp_path_factory.mktemp("flink"))
    jars.fetch(print)
    operators_jar.build(print)
    flink_distribution.write_configuration(layout)
    os.environ.update(flink_distribution.environment(layout))
    # The stack's configuration is that of a cluster with ZooKeeper; a mini-cluster takes Flink's own.
    os.environ["FLINK_CONF_DIR"] = str(flink_distribution.flink_home() / "conf")
    os.environ["JVM_ARGS"] = "-Xmx1500m"
    # Workers as processes, as on a cluster, that find the jobs and what tests define.
    os.environ["_python_worker_execution_mode"] = "process"
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    with forked_workers(layout):
        yield {"python.executable": str(worker_python(layout))}


@pytest.fixture(scope="session")
def environment(_jvm):
    """Makes the table environment of a job, with the options of its own main() and those of the tests."""

    def make(job: str, **options: str) -> StreamTableEnvironment:
        # The positions of one test are other records in the next.
        shutil.rmtree(os.environ["HEADRACE_ATTEMPTS"], ignore_errors=True)
        return table_environment(job, **(OPTIONS | _jvm | options))

    return make


@pytest.fixture(scope="session")
def file_tables(environment, tmp_path_factory):
    """Makes an environment of a job together with its topics, which are folders."""

    def make(job: str, **options: str) -> FileTables:
        return FileTables(environment(job, **options), tmp_path_factory.mktemp(job))

    return make
