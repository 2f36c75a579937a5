"""The fork server and its launcher as processes, with a worker of a few lines in PyFlink's place."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from flink.patches.forked_workers import launcher, launcher_script, server

REPOSITORY = Path(__file__).resolve().parents[3]
SERVER = """
import sys
from flink.patches.forked_workers import server
server.BOOT = "worker"
forks = server.ForkServer(sys.argv[1])
print("listens", flush=True)
forks.serve()
"""
WORKER = """
import os, sys, time
import code_of_the_job
print("says", sys.argv[1:], os.getcwd(), os.environ["OF"], code_of_the_job.VERSION, flush=True)
print("complains", file=sys.stderr)
if sys.argv[1:] == ["stay"]:
    time.sleep(60)
if sys.argv[1:] == ["fail"]:
    raise ValueError("on purpose")
sys.exit(len(sys.argv) - 1)
"""


@pytest.fixture
def address(tmp_path):
    """Of a fork server that runs; its job's code lies in <tmp>/job."""
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "worker.py").write_text(WORKER)
    (tmp_path / "job" / "code_of_the_job.py").write_text("VERSION = 'submitted'")
    address = str(tmp_path / "s")
    server = subprocess.Popen([sys.executable, "-c", SERVER, address], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert server.stdout.readline() == b"listens\n"
    yield address
    server.kill()
    server.communicate()


def launch(address, *arguments, folder, boot=launcher.BOOT, python=sys.executable):
    command = [sys.executable, "-IS", launcher.__file__, address, shutil.which(python), "-m", boot, *arguments]
    environment = {"PYTHONPATH": str(folder / "job"), "OF": "the launcher", "PATH": os.environ["PATH"]}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def worker_of(launched):
    """Once it runs."""
    said = launched.stdout.readline()
    assert said.startswith("says"), launched.stderr.read()
    (worker,) = (each for each in psutil.process_iter() if each.name() == "python-worker" and is_child(each, launched))
    return worker


def is_child(process, launched):
    return process.cwd() == os.readlink(f"/proc/{launched.pid}/cwd")


def gone(process, within_s=10):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:  # between the two questions
            return True
        time.sleep(0.01)
    return False


def test_a_worker_has_the_launchers_arguments_folder_environment_and_files(address, tmp_path):
    said, complained = (launched := launch(address, "--id", "1-1", folder=tmp_path)).communicate(timeout=20)
    assert said == f"says ['--id', '1-1'] {tmp_path} the launcher submitted\n"
    assert complained == "complains\n"
    assert launched.returncode == 2


def test_a_worker_that_fails_says_why_and_ends_with_1(address, tmp_path):
    _, complained = (launched := launch(address, "fail", folder=tmp_path)).communicate(timeout=20)
    assert "ValueError: on purpose" in complained
    assert launched.returncode == 1


def test_many_workers_run_at_once_and_each_has_its_own_end(address, tmp_path):
    launched = [launch(address, *("x" * count), folder=tmp_path) for count in range(8)]
    for each in launched:
        each.communicate(timeout=20)
    assert [each.returncode for each in launched] == list(range(8))


def test_a_killed_worker_ends_its_launcher_as_a_shell_would_tell(address, tmp_path):
    launched = launch(address, "stay", folder=tmp_path)
    worker_of(launched).kill()
    launched.communicate(timeout=20)
    assert launched.returncode == 128 + signal.SIGKILL


def test_a_killed_launcher_takes_its_worker_along_and_the_server_stays(address, tmp_path):
    launched = launch(address, "stay", folder=tmp_path)
    worker = worker_of(launched)
    launched.kill()
    launched.communicate(timeout=20)
    assert gone(worker)
    assert (again := launch(address, folder=tmp_path)).communicate(timeout=20)
    assert again.returncode == 0


def test_a_killed_server_takes_its_workers_along_and_the_next_launcher_runs_python(address, tmp_path):
    launched = launch(address, "stay", folder=tmp_path)
    worker = worker_of(launched)
    # The server serves one after the other: now the first launcher has been told of its worker.
    launch(address, folder=tmp_path).communicate(timeout=20)
    worker.parent().kill()
    launched.communicate(timeout=20)
    assert gone(worker)
    assert launched.returncode == 1
    said, _ = launch(address, folder=tmp_path, python="echo").communicate(timeout=20)
    assert said == f"-m {launcher.BOOT}\n"


@pytest.mark.parametrize("bytes_sent", [b"", b"x", b"\n{}\n", b"\nnot json\n", b'\n{"arguments": []'])
def test_a_request_that_is_none_leaves_the_server_at_work(address, tmp_path, bytes_sent):
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(address)
        stranger.sendall(bytes_sent)
    said, _ = launch(address, folder=tmp_path, python="echo").communicate(timeout=20)
    assert said.startswith("says []")


def test_where_nobody_listens_plain_python_runs(tmp_path):
    said, _ = launch(str(tmp_path / "nobody"), "--id", "1-1", folder=tmp_path, python="echo").communicate(timeout=20)
    assert said == f"-m {launcher.BOOT} --id 1-1\n"


def test_what_is_no_worker_is_plain_python(address, tmp_path):
    said, _ = launch(address, "--version", folder=tmp_path, boot="pip", python="echo").communicate(timeout=20)
    assert said == "-m pip --version\n"


@pytest.fixture
def worker_python(address, tmp_path):
    """What Flink is told of as its Python; where it runs plain Python, that is `echo`."""

    def worker_python(address=address):
        path = tmp_path / "worker-python"
        python = tmp_path / "a python"  # its own -IS runs the launcher; everything else is only printed
        python.write_text(f'#!/bin/sh\n[ "$1" = -IS ] && exec {sys.executable} "$@"\nexec echo "$@"\n')
        path.write_text(launcher_script(str(python), str(address)))
        for each in (path, python):
            each.chmod(0o755)
        return path

    return worker_python


def said_by(program, *arguments, folder):
    environment = {"PYTHONPATH": str(folder / "job"), "OF": "the launcher", "PATH": os.environ["PATH"]}
    command = [program, "-m", launcher.BOOT, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=20).stdout


def test_what_flink_takes_for_its_python_starts_a_forked_worker(worker_python, tmp_path):
    assert said_by(worker_python(), "--id", "a b", folder=tmp_path).startswith("says ['--id', 'a b']")


def test_what_flink_takes_for_its_python_is_plain_python_where_no_server_ran(worker_python, tmp_path):
    said = said_by(worker_python(tmp_path / "none"), "--id", "a b", folder=tmp_path)
    assert said == f"-m {launcher.BOOT} --id a b\n"


def test_the_worker_that_is_forked_is_the_one_that_flink_runs():
    """Both names are internals of PyFlink (flink/UPGRADING.md)."""
    assert find_spec(launcher.BOOT) is not None
    assert find_spec(server.WORKER) is not None
    runner = (Path(find_spec("pyflink").origin).parent / "bin" / "pyflink-udf-runner.sh").read_text()
    assert f"-m {launcher.BOOT}" in runner
    assert server.WORKER.rpartition(".")[2] in Path(find_spec(launcher.BOOT).origin).read_text()
