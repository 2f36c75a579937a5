"""The process that workers are forked from."""

import contextlib
import ctypes
import gc
import json
import logging
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Collection, Iterable
from importlib import import_module
from typing import Any, NoReturn

from flink.patches.forked_workers.launcher import BOOT, FILES

log = logging.getLogger(__name__)

WORKER = "pyflink.fn_execution.beam.beam_sdk_worker_main"
"""What BOOT runs in the end: PyFlink's worker, with all of Beam."""
LAUNCHER_SPEAKS_WITHIN_S = 10.0
MAX_REQUEST_BYTES = 4 * 1024 * 1024
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # linux/prctl.h


def import_what_workers_need(modules: Iterable[str], forget: Collection[str]) -> None:
    """PyFlink's worker and `modules`, with what these import; those of the packages `forget` are forgotten again."""
    import_module(WORKER)
    for module in modules:
        import_module(module)
    _forget(forget)
    # What is here now lives as long as the process: no collection looks at it, or copies its pages in a worker.
    gc.collect()
    gc.freeze()


def _forget(packages: Collection[str]) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in packages:
            del sys.modules[name]


class ForkServer:
    """Forks a worker for each connection, and tells the launcher at the other end how it ended."""

    def __init__(self, address: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> NoReturn:
        """Answer launchers and reap workers, without end."""
        while True:
            for key, _ in self._selector.select():
                if self._selector.get_map().get(key.fd) is key:  # not closed by an earlier event of this round
                    key.data()

    def _accept(self) -> None:
        launcher, _ = self._listener.accept()
        try:
            launcher.settimeout(LAUNCHER_SPEAKS_WITHIN_S)
            request, files = _request(launcher)
        except (OSError, ValueError) as error:
            # `headrace up` only connects, to see whether somebody listens.
            if not isinstance(error, NoRequest):
                log.warning("a launcher's request was not understood: %s", error)
            launcher.close()
            return
        worker = self._fork(launcher, request, files)
        for file in files:
            os.close(file)
        self._watch(launcher, worker)

    def _fork(self, launcher: socket.socket, request: dict[str, Any], files: list[int]) -> int:
        sys.stdout.flush()
        server = os.getpid()
        worker = os.fork()
        if worker == 0:
            _die_with(server)
            for key in list(self._selector.get_map().values()):
                os.close(key.fd)
            self._selector.close()
            os.close(launcher.fileno())
            _become_worker(request, files)
        log.info("forked worker %d", worker)
        return worker

    def _watch(self, launcher: socket.socket, worker: int) -> None:
        ended = os.pidfd_open(worker)

        def on_end() -> None:
            _, status = os.waitpid(worker, 0)
            log.info("worker %d ended with status %d", worker, os.waitstatus_to_exitcode(status))
            with contextlib.suppress(OSError):
                _send(launcher, {"status": status})
            for each in (launcher.fileno(), ended):
                with contextlib.suppress(KeyError):
                    self._selector.unregister(each)
            launcher.close()
            os.close(ended)

        def on_launcher_gone() -> None:
            # It never speaks again, so this is its end. The worker's own end comes by `ended`.
            self._selector.unregister(launcher)
            signal.pidfd_send_signal(ended, signal.SIGKILL)

        self._selector.register(ended, selectors.EVENT_READ, on_end)
        self._selector.register(launcher, selectors.EVENT_READ, on_launcher_gone)
        with contextlib.suppress(OSError):
            _send(launcher, {"pid": worker})


class NoRequest(ValueError):
    """Raised where the connection ended before a request. Transient: the next connection brings its own."""


def _request(launcher: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The request of a launcher, and the files that it passes. Closes them when it cannot read the request.

    Raises
    ------
    NoRequest
        When the launcher closes the connection first.
    ValueError or OSError
        When the request cannot be read.
    """
    first, files, _, _ = socket.recv_fds(launcher, 1, len(FILES))
    if not first:
        raise NoRequest("no request")
    try:
        with launcher.makefile("rb") as lines:
            line = lines.readline(MAX_REQUEST_BYTES)
        request = json.loads(line)
        if len(files) != len(FILES) or not {"arguments", "environment", "folder"} <= set(request):
            raise ValueError(f"{len(files)} files and {line[:80]!r}")
    except (OSError, ValueError, TypeError) as error:
        for file in files:
            os.close(file)
        raise ValueError(error) from error
    return request, files


def _send(launcher: socket.socket, answer: dict[str, int]) -> None:
    launcher.sendall(json.dumps(answer).encode() + b"\n")


def _die_with(server: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_NAME, b"python-worker")
    if os.getppid() != server:  # it died before the line above
        os._exit(1)


def _become_worker(request: dict[str, Any], files: list[int]) -> NoReturn:
    """What a new interpreter would do with `-m pyflink.fn_execution.beam.beam_boot`."""
    status = 1
    try:
        _forget_the_servers_logging()
        for file, target in zip(files, FILES, strict=True):
            os.dup2(file, target)
            os.close(file)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = [BOOT, *request["arguments"]]
        sys.path[:] = [request["folder"], *_python_path(), *_of_the_interpreter()]
        status = _run()
    finally:
        # Not sys.exit: the server's frames are below this one.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _forget_the_servers_logging() -> None:
    """A worker logs as PyFlink sets it up, and each line once."""
    for handler in list(logging.root.handlers):
        logging.root.removeHandler(handler)
    logging.root.setLevel(logging.WARNING)


def _run() -> int:
    """Runs the worker to its end, and says what an interpreter would say."""
    try:
        runpy.run_module(BOOT, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
            return 1
        return error.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    return 0


def _python_path() -> list[str]:
    return [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]


def _of_the_interpreter() -> list[str]:
    """sys.path without the server's own folder and PYTHONPATH."""
    return [folder for folder in sys.path if folder and folder not in SERVERS_OWN]


SERVERS_OWN = frozenset({os.getcwd(), *(os.path.abspath(folder) for folder in _python_path())})


def serve(address: str, modules: Iterable[str], forget: Collection[str]) -> NoReturn:
    """Imports what workers need, then forks one for each launcher that connects to the socket."""
    import_what_workers_need(modules, forget)
    server = ForkServer(address)
    log.info("ready to fork workers, %d modules imported", len(sys.modules))
    server.serve()
