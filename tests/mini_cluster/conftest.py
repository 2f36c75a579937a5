"""One JVM for the session. Each job that a test executes runs on a mini-cluster inside it."""

import os
import shutil
from pathlib import Path

import pytest
from pyflink.table import StreamTableEnvironment

from jobs.environment import table_environment
from stack import flink_distribution, jars, operators_jar
from stack.layout import REPOSITORY, Layout
from tests.mini_cluster.file_tables import FileTables

HERE = Path(__file__).parent

OPTIONS = {
    "restart-strategy.type": "none",
    "parallelism.default": "1",
    "rest.port": "0",
    # A watermark after each row and not after some: what is late does not depend on the machine.
    "pipeline.auto-watermark-interval": "0 ms",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.mini_cluster)


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


@pytest.fixture(scope="session")
def environment(_jvm):
    """Makes the table environment of a job, with the options of its own main() and those of the tests."""

    def make(job: str, **options: str) -> StreamTableEnvironment:
        # The positions of one test are other records in the next.
        shutil.rmtree(os.environ["HEADRACE_ATTEMPTS"], ignore_errors=True)
        return table_environment(job, **(OPTIONS | options))

    return make


@pytest.fixture(scope="session")
def file_tables(environment, tmp_path_factory):
    """Makes an environment of a job together with its topics, which are folders."""

    def make(job: str, **options: str) -> FileTables:
        return FileTables(environment(job, **options), tmp_path_factory.mktemp(job))

    return make
