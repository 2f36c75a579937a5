"""Figures of the way from the MQTT broker to Kafka: its queue, what it dropped, sessions of bridges that it lost."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from connectors.broker_drops import UNKNOWN, BrokerDrops, broker_drops
from connectors.endpoints import Endpoints
from connectors.kafka.bridge_sessions import bridge_sessions
from connectors.kafka.clients import KafkaClientError
from connectors.mqtt_broker_figures import MqttBrokerFigures, mqtt_broker_figures
from schemas.bridge_session import BridgeSession, SessionLoss
from schemas.errors import TerminalError


@dataclass(frozen=True)
class MqttFigures:
    """What the broker says, and what bridges have written down."""

    broker: MqttBrokerFigures | None
    """None: it does not answer."""
    error: str = ""
    """Why it does not."""
    losses: tuple[tuple[str, SessionLoss], ...] = ()
    """Client id of the bridge, and the period."""
    drops: BrokerDrops = UNKNOWN
    """By the broker or by a bridge, whoever knows of more."""
    now_ms: int = 0

    def as_json(self) -> dict[str, Any]:
        """Of `headrace status --json`."""
        return {
            "broker": asdict(self.broker) if self.broker else None,
            "error": self.error,
            "dropped": self.drops.count,
            "last_dropped_ms": self.drops.last_ms,
            "losses": [{"client_id": client_id, **loss.model_dump()} for client_id, loss in self.losses],
            "now_ms": self.now_ms,
        }


def collect(endpoints: Endpoints) -> MqttFigures:
    """Never raises: what does not answer is part of the figures."""
    broker, error = None, ""
    try:
        broker = mqtt_broker_figures(endpoints)
    except (OSError, TerminalError) as failure:
        error = str(failure)
    sessions = _sessions(endpoints.kafka)
    losses = tuple((client_id, loss) for client_id, session in sorted(sessions.items()) for loss in session.losses)
    drops = broker_drops(broker.dropped if broker else None, sessions.values())
    return MqttFigures(broker, error, losses, drops, int(time.time() * 1000))


def _sessions(bootstrap: str) -> dict[str, BridgeSession]:
    try:
        return bridge_sessions(bootstrap)
    except KafkaClientError:
        return {}  # the alarm on Kafka says it
