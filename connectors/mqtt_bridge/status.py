"""Whether the bridge lives, and whether it is ready: what the probes ask."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from connectors.kafka import clients
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.loop import NetworkLoop
from connectors.mqtt_bridge.session import Session
from connectors.mqtt_bridge.session_record import SessionRecord

STALLED_S = 10.0
"""Kafka confirms within milliseconds; one that has not for so long is away."""
HANGS_S = 60.0
"""The loop goes round every quarter of a second; a connection attempt may hold it for some seconds."""


@dataclass
class Status:
    """Filled as the bridge comes up; read by the threads of the HTTP server."""

    kafka_address: str
    session: Session | None = None
    loop: NetworkLoop | None = None
    bridge: Bridge | None = None
    record: SessionRecord | None = None
    reachable: Callable[[str], bool] = clients.reachable

    def not_ready(self) -> list[str]:
        """What is missing, a sentence each; empty when messages flow."""
        return [*self._missing_of_mqtt(), *self._missing_of_kafka()]

    def hangs(self) -> bool:
        """Whether only a restart would help."""
        return self.loop is not None and time.monotonic() - self.loop.turned_s > HANGS_S

    def _missing_of_mqtt(self) -> list[str]:
        if self.session is not None and self.session.refused is not None:
            return [str(self.session.refused)]
        if self.session is None or not self.session.connected:
            return ["not connected to the MQTT broker"]
        return [] if self.session.subscribed else ["not subscribed at the MQTT broker"]

    def _missing_of_kafka(self) -> list[str]:
        if self.bridge is None:
            return [f"waiting for Kafka at {self.kafka_address} and its topics"]
        if self.bridge.stalled_s > STALLED_S:
            return [f"Kafka has stored nothing for {self.bridge.stalled_s:.0f} s"]
        return [] if self.reachable(self.kafka_address) else [f"Kafka at {self.kafka_address} does not answer"]
