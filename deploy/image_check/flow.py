"""Readings in at MQTT, out at Kafka: each once in telemetry.readings, each with a score."""

import json
import time
from collections import Counter
from collections.abc import Iterator

from connectors.endpoints import Endpoints
from connectors.kafka.scan import scan
from headrace.publisher import Publisher
from schemas.errors import TransientError
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS, Topic

DEVICES = 10
ARRIVE_WITHIN_S = 180

Identity = tuple[str, str, int]


class NotArrived(TransientError):
    """What came out is not what went in."""


def check(endpoints: Endpoints, count: int, fleet: str) -> None:
    """Publish readings of a fleet that has sent none so far, and wait for them.

    Parameters
    ----------
    fleet
        What the names of its devices begin with.

    Raises
    ------
    NotArrived
        When one is missing, or there too often, after three minutes.
    """
    sent = list(_identities(fleet, count))
    publisher = Publisher(endpoints)
    for number, (device, metric, ts) in enumerate(sent):
        publisher.publish(device, json.dumps({"metric": metric, "value": 20 + number % 7, "ts": ts}).encode())
    publisher.close()
    for topic in (TELEMETRY_READINGS, TELEMETRY_ANOMALIES):
        _require_each_once(endpoints.kafka, topic, fleet, sent)


def _identities(fleet: str, count: int) -> Iterator[Identity]:
    began_ms = int(time.time() * 1000) - count
    for number in range(count):
        yield f"{fleet}-{number % DEVICES}", "temperature", began_ms + number


def _require_each_once(kafka: str, topic: Topic, fleet: str, sent: list[Identity]) -> None:
    deadline = time.monotonic() + ARRIVE_WITHIN_S
    while (found := _found(kafka, topic, fleet)).total() < len(sent) and time.monotonic() < deadline:
        time.sleep(1)
    if found != Counter(sent):
        missing, surplus = (Counter(sent) - found).total(), (found - Counter(sent)).total()
        raise NotArrived(f"{topic.name}: of {len(sent)} readings {missing} are missing, {surplus} are there too often")


def _found(kafka: str, topic: Topic, fleet: str) -> Counter[Identity]:
    records = (json.loads(record.value) for record in scan(kafka, topic))
    return Counter(
        (record["device"], record["metric"], record["event_time"])
        for record in records
        if record["device"].startswith(f"{fleet}-")
    )
