"""Run one bridge: `python -m connectors.mqtt_bridge`. Ends with 0 after SIGTERM, with 1 where only a restart helps."""

import logging
import os
import signal
import sys
import threading
from typing import Any

from connectors import logging_setup
from connectors.endpoints import Endpoints
from connectors.gc_tuning import YOUNG_AND_OLD, collect_garbage_rarely
from connectors.kafka import clients
from connectors.mqtt_bridge.acknowledgements import RecordRefused
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.http import Pages, serve
from connectors.mqtt_bridge.loop import NetworkLoop, NoWork
from connectors.mqtt_bridge.session import Session, mqtt_client
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.status import Status
from schemas.topics import DEAD_LETTERS, TELEMETRY_RAW

log = logging.getLogger("connectors.mqtt_bridge")

KAFKA_RETRY_S = 2.0


def main() -> int:
    """Run the bridge until a signal ends it. Returns the exit status."""
    logging_setup.configure()
    settings, endpoints, stop = BridgeSettings(), Endpoints.load(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    client = mqtt_client(settings, endpoints.mqtt_host, endpoints.mqtt_port)
    session = Session(client, settings)
    loop = NetworkLoop(client, session)
    status = Status(endpoints.kafka, session, loop)
    serve(Pages(status), settings.http_host, settings.http_port)
    producer = _wait_for_kafka(endpoints.kafka, settings, session, loop, stop)
    if producer is None:
        return 0
    bridge = status.bridge = Bridge(client, producer, settings)
    session.when_lost = bridge.connection_lost
    collect_garbage_rarely(*YOUNG_AND_OLD)
    try:
        loop.run(bridge, until=stop.is_set)
        loop.finish(bridge, settings.stop_within_s)
    except RecordRefused as error:
        log.critical(
            "Kafka refused a record for good: %s. Nothing is lost: the MQTT broker keeps every message that is not "
            "acknowledged and sends it again after the restart. If this repeats, compare the topics' max.message.bytes "
            "and the access list of %s with schemas/topics.py.",
            error,
            endpoints.kafka,
        )
        return 1
    log.info("Stopped; %d messages were not stored yet and will come again.", bridge.in_flight)
    return 0


def _wait_for_kafka(
    address: str, settings: BridgeSettings, session: Session, loop: NetworkLoop, stop: threading.Event
) -> Any:
    """A producer, or None when stopped first.

    Until then the session is made at the MQTT broker, so that it keeps what devices publish meanwhile.
    """
    kept = False
    while not stop.is_set():
        try:
            topics = (TELEMETRY_RAW, DEAD_LETTERS)
            return clients.ready_producer(address, topics, client_id=settings.client_id, linger_ms=settings.linger_ms)
        except clients.KafkaClientError as error:
            log.warning("%s. Trying again.", error)
        if not kept:
            kept = _make_session(session, loop, stop)
        stop.wait(KAFKA_RETRY_S)
    return None


def _make_session(session: Session, loop: NetworkLoop, stop: threading.Event) -> bool:
    turns = iter(range(40))
    loop.run(NoWork(), until=lambda: session.subscribed or stop.is_set() or next(turns, None) is None)
    made = session.subscribed
    loop.leave()
    return made


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: the Kafka client would hold the process until a broker that is away takes its records. They are
    # not acknowledged, so they come again.
    os._exit(code)
