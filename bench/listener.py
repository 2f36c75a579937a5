"""What a message costs the listener: `python -m bench.listener`, on a Kafka of its own.

Devices in another process publish with one message in flight each. Measured is the CPU time of the listener, user and
system, all threads; Kafka's and the devices' are not in the figure.
"""

import argparse
import multiprocessing
import os
import signal
import statistics
import sys
import time

import psutil

from bench.command_line import run
from bench.free_port import free_port
from bench.publishing_fleet import publish
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors import http_clients
from connectors.endpoints import LOOPBACK, Endpoints
from schemas.topics import TELEMETRY_RAW
from stack.errors import NotReady

LIMIT = 20_000
PAYLOAD_BYTES = 150
WARM_UP_MESSAGES = 20_000
READY_WITHIN_S = 60


def main() -> None:
    arguments = _arguments()
    with bench_stack("--only", "kafka") as layout:
        os.environ.update(layout.environment())
        figure = _median(arguments, Endpoints.load().kafka)
    met = "met" if figure >= LIMIT else "missed"
    print(f"listener: {figure:.0f} messages/CPU s, limit {LIMIT}: {met}, {figure / LIMIT:.2f} times the limit")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=1000, help="connections")
    parser.add_argument("--in-flight", type=int, default=1, help="unacknowledged messages of each")
    parser.add_argument("--messages", type=int, default=100_000, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _median(arguments: argparse.Namespace, kafka: str) -> float:
    """Messages per CPU second of the listener, the median of the rounds."""
    ports = {"MQTT": free_port(), "HTTP": free_port(), "PROBES": free_port()}
    listener = _start(ports)
    try:
        _wait_until_ready(listener, ports["PROBES"])
        ends = TopicEnds(kafka, TELEMETRY_RAW)
        before = ends()
        _round(listener, ports["MQTT"], arguments, WARM_UP_MESSAGES)
        figures: list[float] = []
        for number in range(1, arguments.rounds + 1):
            cpu_s, took_s = _round(listener, ports["MQTT"], arguments, arguments.messages)
            figures.append(arguments.messages / cpu_s)
            print(
                f"round {number}: {figures[-1]:.0f} messages/CPU s ({1e6 / figures[-1]:.1f} us each), "
                f"{arguments.messages / took_s:.0f} messages/s",
                flush=True,
            )
        sent = WARM_UP_MESSAGES + arguments.rounds * arguments.messages
        print(f"{sent} messages acknowledged, {ends() - before} records stored, {_resident(listener)} MiB resident")
    finally:
        listener.send_signal(signal.SIGTERM)
        listener.wait(timeout=30)
    return float(statistics.median(figures))


def _start(ports: dict[str, int]) -> psutil.Popen:
    own = {f"HEADRACE_LISTENER_{name}_PORT": str(port) for name, port in ports.items()}
    environment = os.environ | own | {"HEADRACE_LISTENER_ALLOW_ANONYMOUS": "true"}
    return psutil.Popen([sys.executable, "-m", "connectors.listener"], env=environment)


def _round(listener: psutil.Popen, port: int, arguments: argparse.Namespace, messages: int) -> tuple[float, float]:
    """CPU seconds of the listener, and seconds that it took."""
    before = sum(listener.cpu_times()[:2])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        took_s: float = pool.apply(
            publish, (LOOPBACK, port, messages, arguments.devices, arguments.in_flight, PAYLOAD_BYTES)
        )
    return float(sum(listener.cpu_times()[:2]) - before), took_s


def _resident(listener: psutil.Popen) -> int:
    return int(listener.memory_info().rss >> 20)


def _wait_until_ready(listener: psutil.Popen, port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and listener.poll() is None:
        try:
            if http_clients.get(f"http://{LOOPBACK}:{port}/readyz", timeout_s=5).status_code == 200:
                return
        except http_clients.HttpUnavailable:
            pass  # it does not listen yet
        time.sleep(0.2)
    raise NotReady(f"the listener is not ready within {READY_WITHIN_S} s: its lines above say why")


if __name__ == "__main__":
    run(main)
