"""Run one bridge: `python -m connectors.mqtt_bridge`.

Ends with 0 after SIGTERM, with 1 where a restart helps, and with 78 where none does: the MQTT broker refuses us, or
another bridge has our client id.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from functools import partial

from connectors import logging_setup
from connectors.endpoints import Endpoints, StackSettings
from connectors.entrance_clock import EntranceClock
from connectors.entrance_records import epoch_ms
from connectors.gc_tuning import YOUNG_AND_OLD, collect_garbage_rarely
from connectors.kafka import clients
from connectors.kafka.bridge_sessions import bridge_sessions, newest_of
from connectors.kafka.fast_producer import FastProducer, ready_fast_producer
from connectors.mqtt_bridge.acknowledgements import RecordRefused
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.commands import CommandPublisher, follow_commands
from connectors.mqtt_bridge.drop_count import DropCount
from connectors.mqtt_bridge.drop_watch import DropWatch
from connectors.mqtt_bridge.exit_status import FAILED, NO_RESTART_HELPS, STOPPED
from connectors.mqtt_bridge.http import Pages, serve
from connectors.mqtt_bridge.loop import IdleWork, NetworkLoop
from connectors.mqtt_bridge.session import Session, mqtt_client
from connectors.mqtt_bridge.session_record import SessionMemory, SessionRecord
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.status import Status
from connectors.mqtt_bridge.subscriptions import Subscriptions
from schemas.bridge_session import BridgeSession
from schemas.errors import TerminalError
from schemas.sources_file import load_sources
from schemas.topics import BRIDGE_SESSIONS, DEAD_LETTERS, TELEMETRY_COMMANDS, TELEMETRY_RAW

log = logging.getLogger("connectors.mqtt_bridge")

KAFKA_RETRY_S = 2.0
RECORDED_WITHIN_S = 1.0
"""At the end, for the record of the session. Without it the period of a later loss is longer."""
MIN_UPTIME_S = 5.0
"""Before an end that no restart mends: supervisord takes one in the first 3 s for a failed start, and tries again."""


def main() -> int:
    """Run the bridge until a signal ends it. Returns the exit status."""
    logging_setup.configure()
    began_s, stop = time.monotonic(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    endpoints = Endpoints.load()
    try:
        return _run(BridgeSettings(), endpoints, stop)
    except RecordRefused as error:
        log.critical(
            "Kafka refused a record for good: %s. Nothing is lost: the MQTT broker keeps every message that is not "
            "acknowledged and sends it again after the restart. If this repeats, compare the topics' max.message.bytes "
            "and the access list of %s with schemas/topics.py.",
            error,
            endpoints.kafka,
        )
        return FAILED
    except TerminalError as error:
        log.critical("%s", error)
        stop.wait(MIN_UPTIME_S - (time.monotonic() - began_s))
        return NO_RESTART_HELPS


def _run(settings: BridgeSettings, endpoints: Endpoints, stop: threading.Event) -> int:
    started_ms, sources = epoch_ms(), load_sources(StackSettings().sources_file)
    subscriptions = Subscriptions(sources.filters, settings.share_group)
    client = mqtt_client(settings, endpoints)
    session = Session(client, settings, subscriptions)
    memory = SessionMemory(session)
    loop = NetworkLoop(client, session)
    status = Status(endpoints.kafka, session, loop)
    serve(Pages(status), settings.http_host, settings.http_port)
    drops = DropCount()
    # Before Kafka is there: the broker's figure may expire while we wait for that.
    DropWatch(endpoints, drops, settings.keepalive_s).start()
    clock = EntranceClock()
    found = _wait_for_kafka(endpoints.kafka, settings, clock, session, loop, stop)
    if found is None:
        return STOPPED
    producer, earlier = found
    bridge = status.bridge = Bridge(client, producer, settings, sources, clock, stored_until=memory.stored_until)
    session.when_lost = bridge.connection_lost
    record = status.record = SessionRecord(
        settings.client_id,
        session,
        memory,
        producer,
        subscriptions.filters,
        found=earlier,
        read=partial(newest_of, endpoints.kafka, settings.client_id),
        started_ms=started_ms,
        drops=drops,
    )
    commands = CommandPublisher(client)

    def every_second() -> None:
        record.keep()
        commands.publish()

    loop.every_second = every_second
    collect_garbage_rarely(*YOUNG_AND_OLD)
    try:
        with contextlib.ExitStack() as stack:
            if sources.ask_devices:
                stack.callback(follow_commands(endpoints.kafka, commands, started_ms))
            loop.run(bridge, until=stop.is_set)
    except TerminalError:
        loop.leave()
        raise
    loop.finish(bridge, settings.stop_within_s)
    _record_the_end(record, producer)
    log.info("Stopped; %d messages were not stored yet and will come again.", bridge.in_flight)
    return STOPPED


def _wait_for_kafka(
    address: str,
    settings: BridgeSettings,
    clock: EntranceClock,
    session: Session,
    loop: NetworkLoop,
    stop: threading.Event,
) -> tuple[FastProducer, BridgeSession | None] | None:
    """A producer, and what an earlier process wrote down of the session; or None when stopped first.

    Until then the session is made at the MQTT broker, so that it keeps what devices publish meanwhile.
    """
    kept = False
    while not stop.is_set():
        try:
            topics = (TELEMETRY_RAW, DEAD_LETTERS, BRIDGE_SESSIONS, TELEMETRY_COMMANDS)
            client_id, linger_ms = settings.client_id, settings.linger_ms
            producer = ready_fast_producer(address, topics, client_id=client_id, linger_ms=linger_ms, clock=clock)
            return producer, bridge_sessions(address).get(client_id)
        except clients.KafkaClientError as error:
            log.warning("%s. Trying again.", error)
        if not kept:
            kept = _make_session(session, loop, stop)
        stop.wait(KAFKA_RETRY_S)
    return None


def _make_session(session: Session, loop: NetworkLoop, stop: threading.Event) -> bool:
    turns = iter(range(40))
    loop.run(IdleWork(), until=lambda: session.subscribed or stop.is_set() or next(turns, None) is None)
    made = session.subscribed
    loop.leave()
    return made


def _record_the_end(record: SessionRecord, producer: FastProducer) -> None:
    written, until_s = record.write(), time.monotonic() + RECORDED_WITHIN_S
    while not written.is_done and time.monotonic() < until_s:
        time.sleep(0.01)
        producer.poll()
    record.close()


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: the Kafka client would hold the process until a broker that is away takes its records. They are
    # not acknowledged, so they come again.
    os._exit(code)
