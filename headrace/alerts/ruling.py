"""An operator's verdict on an alert: checked against Redis, then stored in Kafka."""

import time
from collections.abc import Callable
from typing import Any

from connectors.endpoints import Endpoints
from connectors.kafka import clients
from connectors.redis.alerts import StoredAlert
from headrace.errors import UnknownAlert
from schemas.alert_verdict import AlertVerdict, Ruling
from schemas.topics import TELEMETRY_VERDICTS

CONFIRMED_WITHIN_S = 30


def verdict_on(
    alert: StoredAlert | None,
    device: str,
    ruling: Ruling,
    note: str | None,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
) -> AlertVerdict:
    """The record of a verdict.

    Raises
    ------
    UnknownAlert
        For None.
    """
    if alert is None:
        raise UnknownAlert(
            f"Redis has no such alert of {device}: `headrace alert ls --device {device}` lists those of 30 days"
        )
    return AlertVerdict(
        device=alert.device,
        metric=alert.metric,
        episode=alert.episode,
        verdict=ruling,
        note=note,
        decided_at=clock_ms(),
    )


def store_verdict(endpoints: Endpoints, verdict: AlertVerdict) -> None:
    """Returns once Kafka has confirmed it. Raises KafkaClientError."""
    producer: Any = clients.ready_producer(endpoints.kafka, (TELEMETRY_VERDICTS,), client_id="headrace-alert")
    try:
        send_verdict(producer, verdict)
    finally:
        producer.close(timeout=5)


def send_verdict(producer: Any, verdict: AlertVerdict) -> None:
    """As `store_verdict`, by a producer that is there."""
    with clients.translated():
        sent = producer.send(
            TELEMETRY_VERDICTS.name, key=verdict.device.encode(), value=verdict.model_dump_json().encode()
        )
    clients.confirmed([sent], CONFIRMED_WITHIN_S)
