"""A process that a drill freezes."""

import subprocess
import sys

import psutil
import pytest

from drills.killing import suspended
from headrace.polling import wait_until


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as started:
        yield psutil.Process(started.pid)
        started.kill()


def is_stopped(process):
    return process.status() == psutil.STATUS_STOPPED


def test_a_process_is_frozen_inside_the_block_only(process):
    with suspended(process):
        wait_until("it to stop", lambda: is_stopped(process), within_s=10)
    wait_until("it to go on", lambda: not is_stopped(process), within_s=10)


def test_a_frozen_process_may_end_inside_the_block(process):
    with suspended(process):
        process.kill()
        process.wait(10)
    assert not process.is_running()
