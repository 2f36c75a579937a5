"""What Flink takes for the Python interpreter: `python -IS launcher.py SOCKET PYTHON ARGUMENTS...`.

Run without site-packages, so it starts in a few milliseconds and imports nothing but the standard library.
"""

import contextlib
import json
import os
import socket
import sys

BOOT = "pyflink.fn_execution.beam.beam_boot"
"""What pyflink-udf-runner.sh runs as a worker. What else Flink runs (it asks for folders) is plain Python."""
ANSWERS_WITHIN_S = 10.0
FILES = (0, 1, 2)


def main(address: str, python: str, arguments: list[str]) -> int:
    """Exit status of the worker; does not return where plain Python runs in its place."""
    if arguments[:2] == ["-m", BOOT]:
        with contextlib.suppress(OSError, ValueError):
            return _forked(address, arguments[2:])
    os.execv(python, [python, *arguments])  # noqa: S606  # that is what it stands in for


def _forked(address: str, arguments: list[str]) -> int:
    """Let the fork server start the worker; return its exit status.

    Raises
    ------
    OSError or ValueError
        When there is no server, or it cannot fork.
    """
    request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(ANSWERS_WITHIN_S)
        server.connect(address)
        socket.send_fds(server, [b"\n"], FILES)
        server.sendall(json.dumps(request).encode() + b"\n")
        with server.makefile("rb") as answers:
            json.loads(answers.readline())["pid"]
            server.settimeout(None)
            last = answers.readline()
    # A server that died has taken the worker along.
    return _exit_status(json.loads(last)["status"]) if last else 1


def _exit_status(wait_status: int) -> int:
    """As a shell tells it: 128 and the signal of what was killed."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code


def _not_a_python_worker() -> None:
    """Else `ps`, and who counts workers, would see two for each."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as name:
        name.write("fork-launcher")


if __name__ == "__main__":
    _not_a_python_worker()
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
