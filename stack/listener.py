"""Listeners: devices publish to them without a broker. Only with `headrace up --with listener`, or `listener=2`."""

import os
import sys
from typing import ClassVar

from connectors.endpoints import LISTENER_HTTP_PORT, LISTENER_MQTT_PORT, LISTENER_PROBES_PORT
from stack.server import Server
from stack.serving import require_ready

MAX_PROCESSES = 4


class Listener(Server):
    """One process. All of them share the ports for devices, and each has one of its own for probes.

    Without a variable that says otherwise, devices need no token: the ports are on the loopback interface.
    """

    number: ClassVar[int]
    optional = True
    after = ("kafka",)
    ready_within_s = 60

    def command(self) -> list[str]:
        return [sys.executable, "-m", "connectors.listener"]

    def environment(self) -> dict[str, str]:
        return {
            "HEADRACE_LISTENER_MQTT_PORT": str(self.layout.port(LISTENER_MQTT_PORT)),
            "HEADRACE_LISTENER_HTTP_PORT": str(self.layout.port(LISTENER_HTTP_PORT)),
            "HEADRACE_LISTENER_PROBES_PORT": str(self._probes_port),
            "HEADRACE_LISTENER_ALLOW_ANONYMOUS": os.environ.get("HEADRACE_LISTENER_ALLOW_ANONYMOUS", "true"),
        }

    def check(self) -> None:
        require_ready(self._probes_port)

    @property
    def _probes_port(self) -> int:
        return self.layout.port(LISTENER_PROBES_PORT + self.number - 1)


def _process(number: int) -> type[Listener]:
    # The shared ports are not among those that must be free: another process of the stack may listen on them already.
    named = {"name": f"listener-{number}", "number": number, "standard_ports": (LISTENER_PROBES_PORT + number - 1,)}
    return type(f"Listener{number}", (Listener,), named)


LISTENERS = tuple(_process(number) for number in range(1, MAX_PROCESSES + 1))
