"""Our processes from the image, in the places of those of a local stack."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import httpx
import psutil

from connectors import http_clients
from connectors.endpoints import BRIDGE_HTTP_PORT, FLINK_REST_PORT, FLINK_RPC_PORT, LOOPBACK, ZOOKEEPER_PORT
from deploy.image_check.buildah import Container, Image
from stack import orphans
from stack.errors import NotReady
from stack.layout import Layout
from stack.readiness import last_lines

ENTRYPOINT = "/opt/headrace/deploy/entrypoint.sh"
USER = 9999
MARK = "HEADRACE_IMAGE_CHECK"
"""Set for every process of a container and inherited by Flink's Python workers: how they are found again."""
READY_WITHIN_S = 180
READY_TO_FORK, FORKED_WORKER = "ready to fork workers", "python-worker"
"""What flink/patches/forked_workers/server.py logs, and how it names a worker."""


class ImageCluster:
    """One container with a JobManager, a TaskManager and a bridge; leaving the `with` ends and removes all of it."""

    def __init__(self, image: Image, layout: Layout, state: Path) -> None:
        self._layout = layout
        self._state = state
        self._logs = layout.folder("log")
        self._image = image
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "ImageCluster":
        # As a named volume of Compose: empty, and the image's user owns it.
        self._state.mkdir()
        os.chown(self._state, USER, USER)
        self._container: Container = self._image.container({self._state: "/opt/flink/state"}, self._environment())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        orphans.end(self._found())
        orphans.end(self._found())  # those that were just being started
        for process in self._processes.values():
            process.wait()
        self._container.remove()

    def run(self, role: str, *arguments: str) -> None:
        """A role that ends.

        Raises
        ------
        NotReady
            With its output, unless it ends with 0.
        """
        if self._start(role, *arguments).wait() != 0:
            raise NotReady(f"the role {role} failed:\n{self._output_of(role)}")

    def start(self, *roles: str) -> None:
        for role in roles:
            self._processes[role] = self._start(role)

    def replace(self, role: str) -> None:
        """Kill every process of a role, as the end of its container does, and start it again."""
        orphans.kill(self._below(self._processes[role]))
        self._processes[role].wait()
        self.start(role)

    def kill_workers(self) -> None:
        """Kill the Python workers, and not what they are forked from."""
        orphans.kill([process for process in self._found() if process.info["name"] == FORKED_WORKER])

    def wait_until_ready(self) -> None:
        """Wait until the bridge is ready and a TaskManager has registered and forks its workers.

        Raises
        ------
        NotReady
            When that takes too long.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        checks = (("taskmanager", self._has_slots), ("taskmanager", self._forks_workers), ("bridge", self._bridges))
        for role, check in checks:
            while not check():
                self.require_all_alive()
                if time.monotonic() > deadline:
                    raise NotReady(f"{role} is not ready after {READY_WITHIN_S} s:\n{self._output_of(role)}")
                time.sleep(0.5)

    def require_all_alive(self) -> None:
        """Check that no role has ended.

        Raises
        ------
        NotReady
            Names the role that has.
        """
        for role, process in self._processes.items():
            if process.poll() is not None:
                raise NotReady(f"{role} ended with {process.returncode}:\n{self._output_of(role)}")

    def require_forked_workers(self) -> None:
        """Check that the Python workers are forks of the fork server.

        Raises
        ------
        NotReady
            When they are plain interpreters.
        """
        if FORKED_WORKER not in {process.info["name"] for process in self._found()}:
            raise NotReady(f"no Python worker was forked:\n{self._output_of('taskmanager')}")

    def failures(self) -> str:
        """What Flink says of each job: its state, and why it failed last."""
        with http_clients.http_client(f"http://{self._layout.endpoints.flink}", timeout_s=10) as flink:
            lines = []
            for job in flink.get("/jobs/overview").json()["jobs"]:
                failed = (
                    flink.get(f"/jobs/{job['jid']}/exceptions").json().get("exceptionHistory", {}).get("entries", [])
                )
                why = "\n".join(f"  | {line}" for line in failed[0]["stacktrace"].splitlines()[:40]) if failed else ""
                lines.append(f"{job['name']} {job['state']} {job['tasks']}\n{why}")
            return "\n".join([*lines, self._output_of("bridge")])

    def _start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        arguments = tuple(self._container.arguments([ENTRYPOINT, role, *arguments]))
        mark = {MARK: str(self._state)}
        return self._container.storage.popen(*arguments, log=self._log(role), environment=mark)

    def _environment(self) -> dict[str, str]:
        """What docker-compose.yml sets, for the addresses of the local stack."""
        endpoints, port = self._layout.endpoints, self._layout.port
        properties = {
            "jobmanager.rpc.port": port(FLINK_RPC_PORT),
            "high-availability.jobmanager.port": port(FLINK_RPC_PORT),
            "rest.port": port(FLINK_REST_PORT),
            "high-availability.zookeeper.quorum": f"{LOOPBACK}:{port(ZOOKEEPER_PORT)}",
            "high-availability.cluster-id": "/image-check",
            # The reporter of a container listens on every interface; these share the host's.
            "metrics.reporters": "",
            "metrics.reporter": "",
        }
        return {
            MARK: str(self._state),
            "HEADRACE_KAFKA": endpoints.kafka,
            "HEADRACE_MQTT_HOST": endpoints.mqtt_host,
            "HEADRACE_MQTT_PORT": str(endpoints.mqtt_port),
            "HEADRACE_FLINK": endpoints.flink,
            "HEADRACE_BRIDGE_HTTP_PORT": str(port(BRIDGE_HTTP_PORT)),
            "FLINK_PROPERTIES": "\n".join(f"{key}: {value}" for key, value in properties.items()),
        }

    def _has_slots(self) -> bool:
        return self._answers(f"http://{self._layout.endpoints.flink}/overview", lambda it: it.json()["slots-total"] > 0)

    def _forks_workers(self) -> bool:
        return READY_TO_FORK in self._log("taskmanager").read_text(errors="replace")

    def _bridges(self) -> bool:
        return self._answers(f"http://{LOOPBACK}:{self._layout.port(BRIDGE_HTTP_PORT)}/readyz", lambda it: True)

    def _answers(self, url: str, satisfies: Callable[[httpx.Response], bool]) -> bool:
        try:
            return satisfies(http_clients.get_ok(url, timeout_s=3))
        except (http_clients.HttpUnavailable, ValueError):
            return False

    def _found(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter(["name"]) if self._is_marked(process)]

    def _below(self, process: subprocess.Popen[bytes]) -> list[psutil.Process]:
        return psutil.Process(process.pid).children(recursive=True)

    def _is_marked(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            return process.environ().get(MARK) == str(self._state)
        return False

    def _output_of(self, role: str) -> str:
        return "\n".join(f"  | {line}" for line in last_lines(self._log(role), 30))

    def _log(self, role: str) -> Path:
        return self._logs / f"image-{role}.log"
