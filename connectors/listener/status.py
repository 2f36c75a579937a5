"""Whether the listener is ready: what the probes ask."""

from dataclasses import dataclass

from connectors.listener.connections import Connections
from connectors.listener.device_tokens import DeviceTokens
from connectors.listener.record_intake import RecordIntake

STALLED_S = 10.0
"""Kafka confirms within milliseconds; one that has not for so long is away."""


@dataclass
class Status:
    """Filled as the listener comes up."""

    kafka_address: str
    connections: Connections | None = None
    intake: RecordIntake | None = None
    tokens: DeviceTokens | None = None
    kafka_reachable: bool = True
    """Asked once a second beside the event loop: a probe must not wait for it."""

    def not_ready(self) -> list[str]:
        """What is missing, a sentence each; empty when payloads flow."""
        if self.connections is None or self.intake is None:
            return [f"waiting for Kafka at {self.kafka_address} and its topics"]
        if self.connections.stopping:
            return ["it stops"]
        missing = []
        if self.connections.stalled_s > STALLED_S:
            missing.append(f"Kafka has stored nothing for {self.connections.stalled_s:.0f} s")
        elif not self.kafka_reachable:
            missing.append(f"Kafka at {self.kafka_address} does not answer")
        if self.connections.is_full:
            missing.append(f"{self.connections.waiting_bytes} bytes wait for Kafka: no more is read")
        return missing
