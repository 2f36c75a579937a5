"""supervisord runs the servers; this writes its configuration and speaks its XML-RPC over the unix socket.

API: http://supervisord.org/api.html. Nothing is read from supervisorctl's printed text.
"""

import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from connectors.atomic_write import atomic_write_text
from stack import orphans
from stack.errors import NotReady, NotRunning
from stack.layout import Layout
from stack.programs import last_line
from stack.server import Server

SUPERVISORD = """\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
logfile={log}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={log}
directory={home}
minfds={open_files}
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:headrace]
supervisor.rpcinterface_factory=stack.start_counter:make
"""
PROGRAM = """
[program:{name}]
command={command}
environment={environment}
directory={home}
autostart=false
{restart}
startsecs=3
startretries=20
stopsignal=TERM
stopwaitsecs={stop_within_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""
OPEN_FILES = 8192
"""Kafka holds a few per segment, RocksDB a few per job."""
STOP_WITHIN_S = 90
"""Above every server's own bound. What is left after it is ended as an orphan."""
UP = ("STARTING", "RUNNING", "BACKOFF")


class Supervision:
    """The supervisord of one stack. Where none answers, all but `answers` and `start` raise NotRunning."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def write_configuration(self, servers: list[Server]) -> None:
        """Commands and environments; no secret is in either."""
        text = self._head() + "".join(self._program(server) for server in servers)
        atomic_write_text(self._configuration, text, mode=0o600)

    def answers(self) -> bool:
        """Whether supervisord runs and its socket works."""
        try:
            self._call("supervisor.getState")
        except NotRunning:
            return False
        return True

    def start(self) -> None:
        """Start supervisord as a daemon.

        Raises
        ------
        NotReady
            With the last line it said.
        """
        self.layout.folder("run")
        environment = self.layout.environment() | {orphans.MARK: "supervisord"}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._configuration)]
        done = subprocess.run(command, env=environment, cwd=self.layout.home, capture_output=True, text=True)
        if done.returncode:
            raise NotReady(f"supervisord does not start: {last_line(done.stderr or done.stdout)}")
        self._wait_until_it_answers()

    def reload(self) -> None:
        """Take over a changed configuration: what changed is stopped, and started again by the caller."""
        ((added, changed, removed),) = self._call("supervisor.reloadConfig")
        for name in [*changed, *removed]:
            self.stop([name])
            self._call("supervisor.removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("supervisor.addProcessGroup", name)

    def processes(self) -> dict[str, dict[str, Any]]:
        """`getAllProcessInfo` by name."""
        return {info["name"]: info for info in self._call("supervisor.getAllProcessInfo")}

    def process(self, name: str) -> dict[str, Any]:
        info: dict[str, Any] = self._call("supervisor.getProcessInfo", name)
        return info

    def starts(self) -> dict[str, int]:
        """How often each process was started, see `start_counter`."""
        starts: dict[str, int] = self._call("headrace.starts")
        return starts

    def start_process(self, name: str) -> None:
        """Ask for it; `readiness` waits."""
        try:
            self._call("supervisor.startProcess", name, False)
        except Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise

    def stop(self, names: Collection[str]) -> None:
        """Ask all of them to stop, then wait until the last one has (supervisord kills those that take too long)."""
        for name in names:
            try:
                self._call("supervisor.stopProcess", name, False)
            except Fault as fault:
                if fault.faultCode not in (Faults.NOT_RUNNING, Faults.BAD_NAME):
                    raise
        until = time.monotonic() + STOP_WITHIN_S
        while time.monotonic() < until and self._any_lives(names):
            time.sleep(0.1)

    def _any_lives(self, names: Collection[str]) -> bool:
        return any(info["pid"] for name, info in self.processes().items() if name in names)

    def shut_down(self) -> None:
        """End supervisord itself."""
        process = psutil.Process(self._call("supervisor.getPID"))
        self._call("supervisor.shutdown")
        psutil.wait_procs([process], timeout=20)

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + 30
        while not self.answers():
            if time.monotonic() > until:
                raise NotReady(f"supervisord does not answer within 30 s. Its log: {self.layout.log('supervisord')}")
            time.sleep(0.1)

    def _call(self, method: str, *arguments: Any) -> Any:
        namespace, _, name = method.partition(".")
        try:
            # A connection of its own each time: they are used from several threads.
            with ServerProxy("http://unix", SupervisorTransport(serverurl=f"unix://{self._socket}")) as server:
                return getattr(getattr(server, namespace), name)(*arguments)
        except OSError as error:
            raise NotRunning(f"No stack runs in {self.layout.home}. Start it:  headrace up") from error

    @property
    def _socket(self) -> Path:
        return self.layout.unix_socket("supervisor")

    @property
    def _configuration(self) -> Path:
        return self.layout.home / "run" / "supervisord.conf"

    def _head(self) -> str:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return SUPERVISORD.format(
            socket=_escaped(self._socket),
            home=_escaped(self.layout.home),
            log=_escaped(self.layout.folder("log")),
            run=_escaped(self.layout.folder("run")),
            open_files=OPEN_FILES if limit == resource.RLIM_INFINITY else min(OPEN_FILES, limit),
            user="user=root\n" if os.getuid() == 0 else "",  # without it supervisord warns about running as root
        )

    def _program(self, server: Server) -> str:
        return PROGRAM.format(
            name=server.name,
            command=_escaped(shlex.join(server.command())),
            # The offset stands in no command line, but in configuration files: moved ports must mean a restart.
            environment=_pairs(
                {orphans.MARK: server.name, "HEADRACE_PORT_OFFSET": str(self.layout.port_offset)} | server.environment()
            ),
            home=_escaped(self.layout.home),
            log=_escaped(self.layout.log(server.name)),
            stop_within_s=server.stop_within_s,
            restart=_restart(server.stays_down_at),
        )


def _restart(stays_down_at: int | None) -> str:
    return "autorestart=true" if stays_down_at is None else f"autorestart=unexpected\nexitcodes={stays_down_at}"


def _pairs(variables: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in variables.items())


def _escaped(value: object) -> str:
    """Supervisord expands %(name)s in every value."""
    return str(value).replace("%", "%%")
