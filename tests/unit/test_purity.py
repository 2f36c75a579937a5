"""What tests/unit/conftest.py refuses. These tests are of that tier, so it refuses it here."""

import multiprocessing
import os
import socket
import subprocess

import pytest

from stack.layout import REPOSITORY
from tests.unit.conftest import MAX_CPU_S, require_short

STARTS = {
    "subprocess": lambda: subprocess.run(["true"]),
    "shell": lambda: os.system("true"),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "fork": os.fork,
    "multiprocessing": multiprocessing.get_context("fork").Process(target=print).start,
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_process_is_refused_before_it_runs(start):
    with pytest.raises(BaseException, match="move it to tests/processes"):
        start()


def test_git_may_say_which_files_there_are():
    listed = subprocess.run(["git", "ls-files", "Makefile"], cwd=REPOSITORY, capture_output=True, text=True)
    assert listed.stdout == "Makefile\n"


def test_another_machine_is_refused_before_anything_is_sent():
    with pytest.raises(BaseException, match=r"connects to \('192\.0\.2\.1', 9\): let it have a fake"):
        socket.create_connection(("192.0.2.1", 9), timeout=1)


def test_a_server_of_the_test_on_loopback_is_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_test_that_computes_for_long_is_sent_to_another_tier():
    require_short(MAX_CPU_S)
    with pytest.raises(pytest.fail.Exception, match="11 s of CPU: a test of tests/unit may take 10"):
        require_short(11.0)
