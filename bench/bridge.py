"""What a message costs the bridge: `python -m bench.bridge`, on a stack of its own.

One bridge process of its own (client identifier, port) is stopped (SIGSTOP) while publishers fill its queue at the
broker, then goes on; measured is its CPU time, user and system, until it has acknowledged the last message. So the
publishers' pace is not in the figure, and a busy machine hardly.
"""

import argparse
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable

import paho.mqtt.client as mqtt
import psutil
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.command_line import run
from bench.free_port import free_port
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors import http_clients
from connectors.endpoints import LOOPBACK, Endpoints
from headrace.publisher import Publisher
from schemas.topics import TELEMETRY_RAW

LIMIT = 10_000
DEVICES = 200
PUBLISHERS = 3
PAYLOAD_BYTES = 150
WARM_UP_MESSAGES = 10_000
PATIENCE_S = 300


def main() -> None:
    arguments = _arguments()
    with bench_stack() as layout:
        os.environ.update(layout.environment())  # the bridge and the publishers find this stack
        figure = _median(arguments, Endpoints.load())
    print(f"bridge: {figure:.0f} messages/CPU s, limit {LIMIT}: {'met' if figure >= LIMIT else 'missed'}")


def _median(arguments: argparse.Namespace, endpoints: Endpoints) -> float:
    """Messages per CPU second of the bridge, the median of the rounds."""
    port, client_id = free_port(), f"bench-{uuid.uuid4().hex[:8]}"
    bridge = _start(client_id, port)
    try:
        _until(lambda: _is_ready(port), "the bridge is ready")
        ends = TopicEnds(endpoints.kafka, TELEMETRY_RAW)
        before = ends()
        sent = _round(bridge, port, WARM_UP_MESSAGES, 0)[0]
        figures = []
        for number in range(1, arguments.rounds + 1):
            sent, figure = _round(bridge, port, arguments.messages, sent)
            figures.append(figure)
            print(f"round {number}: {figure:.0f} messages/CPU s ({1e6 / figure:.1f} us each)", flush=True)
        stored = ends() - before
        print(f"{sent} messages acknowledged, {stored} records stored, {bridge.memory_info().rss >> 20} MiB resident")
    finally:
        _stop(bridge)
        _forget_session(endpoints, client_id)
    return statistics.median(figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _round(bridge: psutil.Process, port: int, messages: int, acknowledged: int) -> tuple[int, float]:
    """Acknowledged messages since the start, and messages per CPU second of this round."""
    target = acknowledged + messages
    bridge.suspend()
    _publish(messages)
    before = sum(bridge.cpu_times()[:2])
    bridge.resume()
    _until(lambda: _acknowledged(port) >= target, f"{target} messages are acknowledged")
    return target, messages / (sum(bridge.cpu_times()[:2]) - before)


def _publish(messages: int) -> None:
    share = messages // PUBLISHERS
    counts = [share + messages % PUBLISHERS, *[share] * (PUBLISHERS - 1)]
    arguments = [(count, number) for number, count in enumerate(counts)]
    with multiprocessing.get_context("spawn").Pool(PUBLISHERS) as pool:
        pool.starmap(_publisher, arguments)


def _publisher(messages: int, number: int) -> None:
    publisher = Publisher(Endpoints.load())
    for sequence in range(messages):
        device = (sequence + number * DEVICES // PUBLISHERS) % DEVICES
        publisher.publish(f"bench-{device:04d}", _payload(sequence))
    publisher.close(within_s=PATIENCE_S)


def _payload(sequence: int) -> bytes:
    text = f'{{"metric":"temperature","value":21.4,"unit":"Cel","ts":{time.time_ns() // 1_000_000},"seq":{sequence}}}'
    return text.encode().ljust(PAYLOAD_BYTES)


def _start(client_id: str, port: int) -> psutil.Process:
    environment = os.environ | {"HEADRACE_BRIDGE_CLIENT_ID": client_id, "HEADRACE_BRIDGE_HTTP_PORT": str(port)}
    command = [sys.executable, "-m", "connectors.mqtt_bridge"]
    return psutil.Process(subprocess.Popen(command, env=environment).pid)


def _stop(bridge: psutil.Process) -> None:
    bridge.resume()
    bridge.send_signal(signal.SIGTERM)
    bridge.wait(timeout=30)


def _forget_session(endpoints: Endpoints, client_id: str) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(endpoints.mqtt_host, endpoints.mqtt_port, clean_start=True)
    client.loop_start()
    _until(client.is_connected, "the session is gone")
    client.disconnect()
    client.loop_stop()


def _acknowledged(port: int) -> int:
    text = http_clients.get(f"http://{LOOPBACK}:{port}/metrics", timeout_s=30).text
    found = re.search(r"^headrace_bridge_acknowledged_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def _is_ready(port: int) -> bool:
    try:
        return http_clients.get(f"http://{LOOPBACK}:{port}/readyz", timeout_s=5).status_code == 200
    except http_clients.HttpUnavailable:
        return False


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_S} s until {what}")
        time.sleep(0.3)


if __name__ == "__main__":
    run(main)
