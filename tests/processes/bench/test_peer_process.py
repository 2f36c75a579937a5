"""A peer of bench-peers as a process: killed with all that it started, restarted, found ended."""

import os
import sys
from pathlib import Path

import pytest

from bench.peers.systems import PeerProcess
from schemas.topics import Topic


class Sleeper:
    """A peer that only sleeps, as a process of this Python."""

    name, environment = "sleeper", "none"

    @staticmethod
    def commands(python, bootstrap, target, detector, state):
        program = (
            "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
        )
        return [[python, "-c", f"{program}; time.sleep(600)"]]


def test_a_kill_ends_a_peer_with_all_that_it_started_and_a_restart_is_a_new_process(tmp_path):
    process = PeerProcess(
        Sleeper,
        "",
        "gaussian",
        Topic("scores", None, ""),
        tmp_path,
        make_environment=lambda folder, name: Path(sys.executable),
    )
    process.start()
    first = process.pid
    assert process.cpu_s() >= 0
    process.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    process.restart()
    assert process.pid != first
    process.stop()


def test_a_peer_that_ended_by_itself_is_an_error_that_names_its_log(tmp_path):
    class Ender(Sleeper):
        @staticmethod
        def commands(python, bootstrap, target, detector, state):
            return [[python, "-c", "raise SystemExit(3)"]]

    process = PeerProcess(
        Ender,
        "",
        "gaussian",
        Topic("scores", None, ""),
        tmp_path,
        make_environment=lambda folder, name: Path(sys.executable),
    )
    process.start()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(RuntimeError, match=r"ended by itself with 3: .*scores\.log"):
        process.cpu_s()
