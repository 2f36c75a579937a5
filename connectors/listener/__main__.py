"""Run one listener: `python -m connectors.listener`. Ends with 0 after SIGTERM, with 1 where only a restart helps."""

import asyncio
import logging
import os
import resource
import signal
import ssl
import sys
from collections.abc import Callable

import uvloop

from connectors import logging_setup
from connectors.endpoints import Endpoints, StackSettings
from connectors.entrance_clock import EntranceClock
from connectors.gc_tuning import YOUNG_AND_OLD, collect_garbage_rarely
from connectors.kafka import clients
from connectors.kafka.fast_producer import FastProducer, ready_fast_producer
from connectors.listener.connections import Connection, Connections
from connectors.listener.device_tokens import DeviceTokens
from connectors.listener.http_telemetry import TelemetryHttpConnection
from connectors.listener.mqtt_connection import MqttConnection, MqttSessions
from connectors.listener.probes import ProbeConnection, Probes
from connectors.listener.record_intake import RecordIntake
from connectors.listener.settings import ListenerSettings
from connectors.listener.status import Status
from schemas.sources_file import load_sources
from schemas.topics import DEAD_LETTERS, TELEMETRY_RAW

log = logging.getLogger("connectors.listener")

KAFKA_RETRY_S = 2.0
SWEEP_EVERY_S = 1.0
BACKLOG = 1024
CLIENT_ID = "headrace-listener"


def main() -> int:
    """Run the listener until a signal ends it. Returns the exit status."""
    logging_setup.configure()
    return uvloop.run(_run(ListenerSettings(), Endpoints.load()))


async def _run(settings: ListenerSettings, endpoints: Endpoints) -> int:
    _allow_many_connections(settings)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    status = Status(endpoints.kafka)
    await _serve_probes(settings, status)
    clock = EntranceClock()
    producer = await _wait_for_kafka(endpoints.kafka, settings, clock, stop)
    if producer is None:
        return 0
    tokens = DeviceTokens(settings.tokens_file, settings.allow_anonymous)
    intake = RecordIntake(producer, load_sources(StackSettings().sources_file), settings.max_payload_bytes, clock)

    def look_at_kafka() -> None:
        intake.release()
        producer.poll()

    connections = Connections(settings, loop.call_later, look_at_kafka)
    servers = await _serve_devices(settings, connections, intake, tokens)
    status.connections, status.intake, status.tokens = connections, intake, tokens
    collect_garbage_rarely(*YOUNG_AND_OLD)
    while not stop.is_set() and connections.refused is None:
        await _sleep(stop, SWEEP_EVERY_S)
        connections.sweep(tokens_changed=tokens.reload())
        status.kafka_reachable = await asyncio.to_thread(clients.reachable, endpoints.kafka)
    for server in servers:
        server.close()
    return await _finish(connections, settings, endpoints.kafka)


async def _serve_probes(settings: ListenerSettings, status: Status) -> None:
    """On connections of their own: devices that fill the listener's bounds do not hold up a probe."""
    loop, probes = asyncio.get_running_loop(), Probes(status)
    connections = Connections(settings, loop.call_later)
    await loop.create_server(
        lambda: ProbeConnection(connections, probes), settings.probes_host, settings.probes_port, backlog=BACKLOG
    )

    def sweep() -> None:
        connections.sweep()
        loop.call_later(SWEEP_EVERY_S, sweep)

    sweep()


async def _serve_devices(
    settings: ListenerSettings, connections: Connections, intake: RecordIntake, tokens: DeviceTokens
) -> list[asyncio.Server]:
    """Listen on both ports, which other processes may share."""
    sessions = MqttSessions(connections.monotonic_s)
    protocols: dict[int, Callable[[], Connection]] = {
        settings.mqtt_port: lambda: MqttConnection(connections, intake, tokens, sessions),
        settings.http_port: lambda: TelemetryHttpConnection(connections, intake, tokens),
    }
    loop, tls = asyncio.get_running_loop(), _tls(settings)
    servers = [
        await loop.create_server(protocol, settings.host, port, reuse_port=True, backlog=BACKLOG, ssl=tls)
        for port, protocol in protocols.items()
    ]
    who = "devices without a token too" if settings.allow_anonymous else "devices with a token"
    log.info("Listening on %s, MQTT %d and HTTP %d, to %s.", settings.host, *protocols, who)
    return servers


def _tls(settings: ListenerSettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context


async def _wait_for_kafka(
    address: str, settings: ListenerSettings, clock: EntranceClock, stop: asyncio.Event
) -> FastProducer | None:
    """A producer, or None when stopped first. Until then no device is let in."""
    topics = (TELEMETRY_RAW, DEAD_LETTERS)
    while not stop.is_set():
        try:
            return await asyncio.to_thread(
                ready_fast_producer, address, topics, client_id=CLIENT_ID, linger_ms=settings.linger_ms, clock=clock
            )
        except clients.KafkaClientError as error:
            log.warning("%s. Trying again.", error)
        await _sleep(stop, KAFKA_RETRY_S)
    return None


async def _finish(connections: Connections, settings: ListenerSettings, kafka: str) -> int:
    """Read no more, acknowledge what Kafka still stores in that time, and say goodbye."""
    connections.stop()
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + settings.stop_within_s
    while connections.waiting and connections.refused is None and loop.time() < deadline_s:
        await asyncio.sleep(0.01)
    left = connections.waiting
    connections.end_all()
    await asyncio.sleep(0.05)  # the last packets go out
    if connections.refused is not None:
        log.critical(
            "Kafka refused a record for good: %s. Nothing is lost: what was not acknowledged is still with its device. "
            "If this repeats, compare the topics' max.message.bytes and the access list of %s with schemas/topics.py.",
            str(connections.refused) or repr(connections.refused),
            kafka,
        )
        return 1
    log.info("Stopped; %d payloads were not stored yet: their devices still have them.", left)
    return 0


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    """Until then, or until it stops."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _allow_many_connections(settings: ListenerSettings) -> None:
    """Each connection is an open file; the limit that most systems begin with is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + 100
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    if hard < wanted:
        log.warning(
            "The system allows %d open files, and HEADRACE_LISTENER_MAX_CONNECTIONS is %d: raise ulimit -n.",
            hard,
            settings.max_connections,
        )


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: the Kafka client would hold the process until a broker that is away takes its records. They are
    # not acknowledged, so they come again.
    os._exit(code)
