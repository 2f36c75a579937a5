"""Flink's session cluster: one JobManager, one TaskManager with its Python workers."""

import re
import time
from typing import Any

from connectors.endpoints import FLINK_METRICS_PORT, FLINK_REST_PORT, FLINK_RPC_PORT
from stack import flink_distribution
from stack.errors import StackUnusable
from stack.layout import FLINK_CONF
from stack.pseudonym_key import require_key
from stack.server import NotYet, Server

HEARTBEATS_MISSED_S = 6
"""Three intervals of heartbeat.interval: a TaskManager silent for so long is not counted."""


class _FlinkProcess(Server):
    metrics_port: int
    # Both wait for ZooKeeper, and for each other, by themselves: three JVMs start side by side.
    ready_within_s = 180

    def environment(self) -> dict[str, str]:
        return flink_distribution.environment(self.layout, self.name)

    def _script(self, name: str) -> list[str]:
        command = [*flink_distribution.script(name), "start-foreground"]
        if flink_distribution.metrics_wanted():
            command += ["-D", f"metrics.reporter.prom.port={self.layout.port(self.metrics_port)}"]
        return command

    @property
    def ports(self) -> list[int]:
        metrics = [self.layout.port(self.metrics_port)] if flink_distribution.metrics_wanted() else []
        return [*super().ports, *metrics]

    def _get(self, path: str) -> dict[str, Any]:
        from connectors import http_clients

        try:
            answer = http_clients.get_ok(f"http://{self.layout.endpoints.flink}{path}", timeout_s=5)
            found: dict[str, Any] = answer.json()
        except (http_clients.HttpUnavailable, ValueError) as error:
            raise NotYet(str(error)) from error
        return found


class JobManager(_FlinkProcess):
    """Ready when its REST API answers."""

    name = "jobmanager"
    standard_ports = (FLINK_REST_PORT, FLINK_RPC_PORT)
    metrics_port = FLINK_METRICS_PORT

    def configure(self) -> None:
        flink_distribution.write_configuration(self.layout)

    def command(self) -> list[str]:
        return self._script("jobmanager.sh")

    def check(self) -> None:
        self._get("/overview")


class TaskManager(_FlinkProcess):
    """Ready when it has registered its slots at the JobManager."""

    name = "taskmanager"
    metrics_port = FLINK_METRICS_PORT + 1
    stop_within_s = 30

    def configure(self) -> None:
        require_key(self.layout)

    def before_start(self) -> None:
        flink_distribution.clear_temporary_files(self.layout)

    def command(self) -> list[str]:
        return self._script("taskmanager.sh")

    def check(self) -> None:
        oldest_ms = (time.time() - HEARTBEATS_MISSED_S) * 1000
        managers = self._get("/taskmanagers")["taskmanagers"]
        slots = sum(each["slotsNumber"] for each in managers if each["timeSinceLastHeartbeat"] >= oldest_ms)
        if slots < expected_slots():
            raise NotYet(f"{slots} of {expected_slots()} slots registered")


def expected_slots() -> int:
    """As flink-conf/config.yaml says."""
    found = re.search(r"^taskmanager\.numberOfTaskSlots: (\d+)$", (FLINK_CONF / "config.yaml").read_text(), re.M)
    if found is None:
        raise StackUnusable("flink-conf/config.yaml names no taskmanager.numberOfTaskSlots")
    return int(found[1])
