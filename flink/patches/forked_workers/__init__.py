"""Python workers forked from a process that has imported what they need: there in a fraction of a second.

A worker that Flink starts the plain way first imports PyFlink, Beam, scipy and River: 5 to 8 s of CPU each, and after
a killed TaskManager all of them at once (docs/adr/0013). Here `server` imports them once, and `launcher` stands where
Flink looks for a Python interpreter. It passes its arguments, environment, folder and open files to the server, waits
for the worker and ends as the worker ended; without a server it runs Python itself.

One connection of a unix socket is one worker. The launcher sends one line of JSON `{"arguments", "environment",
"folder"}` with its files 0, 1 and 2; the server answers `{"pid"}`, and `{"status"}` (as of waitpid) at the end. A
launcher that goes away takes its worker along, and so does the server.

Internals: the module that Flink runs as a worker (`launcher.BOOT`), what it imports (`server.WORKER`), and that Flink
runs `python.executable` with `-m` and that module (pyflink-udf-runner.sh).

Remove when PyFlink starts workers that are kept, or from a process that has imported them. No ticket of Flink or Beam
is known.
"""

import shlex
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")


def launcher_script(python: str, address: str) -> str:
    """What Flink takes for its Python: the launcher where a server's socket is, and plain Python where none is."""
    launcher, socket, plain = (shlex.quote(str(each)) for each in (LAUNCHER, address, python))
    return f"""#!/bin/sh
[ -S {socket} ] && [ -f {launcher} ] && exec {plain} -IS {launcher} {socket} {plain} "$@"
exec {plain} "$@"
"""
