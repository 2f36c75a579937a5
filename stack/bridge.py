"""The bridge from MQTT to Kafka. Its session at the broker exists before any publisher: `up` waits for it."""

import sys

from connectors.endpoints import BRIDGE_HTTP_PORT, LOOPBACK
from connectors.mqtt_bridge.exit_status import NO_RESTART_HELPS
from stack.server import NotYet, Server


class Bridge(Server):
    """The MQTT bridge, as a process of the stack."""

    name = "bridge"
    after = ("kafka", "mosquitto")
    standard_ports = (BRIDGE_HTTP_PORT,)
    ready_within_s = 60
    stays_down_at = NO_RESTART_HELPS

    def command(self) -> list[str]:
        return [sys.executable, "-m", "connectors.mqtt_bridge"]

    def check(self) -> None:
        from connectors import http_clients

        url = f"http://{LOOPBACK}:{self.layout.port(BRIDGE_HTTP_PORT)}/readyz"
        try:
            answer = http_clients.get(url, timeout_s=2)
        except http_clients.HttpUnavailable as error:
            raise NotYet(str(error)) from error
        if answer.status_code != 200:
            raise NotYet(answer.text.strip()[:200] or f"/readyz answers {answer.status_code}")
