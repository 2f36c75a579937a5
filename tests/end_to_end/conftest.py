"""Real stacks of the session, beside whatever runs on the machine: own folders, own ports.

One of them has Flink. The tests of the others, and those that need no stack, run beside its tests, in a process of
their own (`pytest -n 2 --dist=loadgroup`): there is one Flink cluster at a time, and two cores are busy.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from connectors.endpoints import Endpoints
from connectors.postgres_cdc import database
from connectors.pseudonyms import KEY_FILE, read_key
from headrace.publisher import Publisher
from stack.layout import Layout

# What waits for a proof that changes are captured waits for a heartbeat, and what is stuck is known by waiting.
os.environ.setdefault("HEADRACE_CAPTURE_HEARTBEAT_MS", "500")
os.environ.setdefault("HEADRACE_CAPTURE_STALLS_AFTER_S", "20")
# What a job has written is there with its next checkpoint.
os.environ.setdefault("FLINK_PROPERTIES", "execution.checkpointing.interval: 2 s")
# Silent partitions hold up the balance, and who looks at windows. The backlogs of these tests are short.
os.environ.setdefault("HEADRACE_JOB_IDLE_TIMEOUT_S", "20")
PORT_OFFSET = int(os.environ.get("HEADRACE_TEST_PORT_OFFSET", "2000"))
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Stack:
    """A local stack that a test talks to as a person would: through the command line and its endpoints."""

    layout: Layout

    @property
    def home(self) -> Path:
        return self.layout.home

    @property
    def endpoints(self) -> Endpoints:
        return self.layout.endpoints

    @property
    def environment(self) -> dict[str, str]:
        """For subprocesses: this stack is theirs."""
        return self.layout.environment()

    def pseudonym_of(self, user: str) -> str:
        """What topics and Redis call a user."""
        return read_key(self.layout.settings.secrets / KEY_FILE).pseudonym(user)

    def headrace(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line against this stack; with `check`, a failure fails the test with what it printed."""
        command = [sys.executable, "-c", "from headrace.cli.main import app; app()", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600)
        if check:
            assert done.returncode == 0, f"headrace {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done


@contextmanager
def started(port_offset: int, *options: str) -> Iterator[Stack]:
    """A stack that is up inside the block and gone after it; `options` are those of `headrace up`."""
    # Not pytest's tmp_path: it keeps the folders of the last runs, and this one is large.
    stack = Stack(Layout(Path(tempfile.mkdtemp(prefix="headrace-test-")), port_offset))
    try:
        stack.headrace("up", *options)
        yield stack
    finally:
        stack.headrace("down", check=False)
        shutil.rmtree(stack.home, ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with started(PORT_OFFSET) as stack:
        yield stack


@pytest.fixture(scope="session")
def capturing() -> Iterator[Stack]:
    """PostgreSQL, Kafka and Kafka Connect alone; `captured.emptied` gives a module its own tables."""
    with started(PORT_OFFSET + 500, "--with", "postgres,connect", "--only", "connect") as stack:
        yield stack


@pytest.fixture(scope="session")
def broker() -> Iterator[Stack]:
    """Kafka and InfluxDB alone."""
    with started(PORT_OFFSET + 600, "--only", "kafka,influxdb") as stack:
        yield stack


@pytest.fixture(scope="module")
def running(stack):
    """The stack with all five jobs."""
    stack.headrace("submit")
    return stack


@pytest.fixture
def publish(running):
    publisher = Publisher(running.endpoints)
    yield publisher.publish
    publisher.close()


@pytest.fixture
def execute(running):
    """Runs a statement in PostgreSQL; a module's own fixture has started it."""
    with database.connection(running.layout.capture) as connection:
        yield connection.execute


@pytest.fixture
def risk_of(running):
    """What Redis holds of a customer; None: nothing."""
    with Redis.from_url(running.endpoints.redis_url) as redis:
        yield lambda customer: json.loads(redis.get(f"churn:{customer}") or "null")


@pytest.hookimpl(wrapper=True)  # around xdist, which looks for the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Everything in this folder needs the real servers, and what shares a stack runs in one process."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.end_to_end)
            with_flink = "stack" in item.fixturenames  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.xdist_group("with Flink" if with_flink else "without Flink"))
    yield
    if getattr(config.option, "loadgroup", False):
        lost = [item.nodeid for item in items if HERE in item.path.parents and "@" not in item.nodeid]
        assert not lost, f"xdist has given no group to {lost[0]}: both processes would start the same stack"
