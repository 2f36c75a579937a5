"""What a killed stack left behind is found, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stack import orphans

HOME = Path("/somewhere/.headrace")


class FakeProcess:
    def __init__(self, environment, *, name="java", cwd="/", status=psutil.STATUS_SLEEPING, pid=4_000_001):
        self._environment, self._name, self._cwd, self._status, self.pid = environment, name, cwd, status, pid

    def status(self):
        return self._status

    def environ(self):
        if isinstance(self._environment, Exception):
            raise self._environment
        return self._environment

    def name(self):
        return self._name

    def cwd(self):
        return self._cwd


def found(process):
    return orphans.find(HOME, [process]) == [process]


def test_a_marked_process_of_this_home_is_found():
    assert found(FakeProcess({"HEADRACE_HOME": str(HOME), orphans.MARK: "taskmanager"}))


def test_a_process_of_another_stack_is_left_alone():
    assert not found(FakeProcess({"HEADRACE_HOME": "/elsewhere", orphans.MARK: "kafka"}))


def test_a_shell_that_exported_the_home_is_left_alone():
    assert not found(FakeProcess({"HEADRACE_HOME": str(HOME)}, name="bash"))


def test_redis_is_found_by_its_folder_because_its_title_overwrites_its_environment():
    assert found(FakeProcess({}, name="redis-server", cwd=str(HOME / "redis")))
    assert not found(FakeProcess({}, name="redis-server", cwd="/var/lib/redis"))


def test_a_zombie_and_this_very_process_are_no_orphans():
    mark = {"HEADRACE_HOME": str(HOME), orphans.MARK: "kafka"}
    assert not found(FakeProcess(mark, status=psutil.STATUS_ZOMBIE))
    assert not found(FakeProcess(mark, pid=os.getpid()))


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), PermissionError()])
def test_a_process_that_may_not_be_read_is_passed_over(error):
    assert not found(FakeProcess(error))


def test_a_process_that_ignores_sigterm_is_killed(tmp_path):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    environment = os.environ | {"HEADRACE_HOME": str(tmp_path), orphans.MARK: "kafka"}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert [each.pid for each in orphans.find(tmp_path)] == [process.pid]
        assert orphans.end(orphans.find(tmp_path), within_s=0.5) == []
    assert orphans.find(tmp_path) == []
