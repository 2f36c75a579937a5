"""Everything at once on this machine: 2,000 readings a second from MQTT to Redis and InfluxDB for three minutes.

    python -m bench.pipeline [--seconds 180] [--rate 2000]

Every reading is a message of its own. Latency: from the time in the payload, taken as it is sent, until a
reader that polls Redis every 20 ms sees it. At the end: what the system drains at most, from a backlog.
"""

import argparse
import json
import time

from rich.progress import track

from bench.command_line import run
from bench.report import verdict
from bench.stack import bench_stack, headrace
from examples.telemetry.fleet import StrictlyIncreasingClock
from examples.telemetry.latency import LatencyWatch, percentile
from headrace.monitoring import processes, topics
from headrace.publisher import Pace, Publisher
from headrace.reconciliation import balance as accounting
from stack.layout import Layout

DEVICES = 100
WARM_UP_S = 60
"""Until then the JVM compiles and the Python workers start; what piled up meanwhile is worked off."""

MAX_GROWTH_S = 2.5
"""Offsets are committed every 5 s, so a lag swings by 5 s of readings without growing."""

KEEPS_PACE = 0.99
"""Share of the rate. A publisher that waits for its acknowledgements falls behind where the system cannot keep up."""


def main() -> None:
    arguments = _arguments()
    with bench_stack() as layout:
        headrace(layout, "submit")
        _stream(layout, arguments.rate, WARM_UP_S, "warming up")
        latency = LatencyWatch(layout.endpoints, [(f"device-{n:03}", "temperature") for n in range(5)]).start()
        first_half = _stream(layout, arguments.rate, arguments.seconds // 2, f"{arguments.rate} readings a second")
        halfway = _lag(layout)
        second_half = _stream(layout, arguments.rate, arguments.seconds // 2, f"{arguments.rate} readings a second")
        lag = _lag(layout)
        latency.stop()
        memory_bytes = sum(each.memory_bytes + each.workers_memory_bytes for each in processes.collect(layout))
        print(f"records behind halfway: {halfway}\nrecords behind at the end: {lag}")
        most = _most(layout, arguments.rate * 60)
        balance = accounting.reconcile(layout.endpoints)
        print(f"messages {balance.totals.messages:,}, readings {balance.totals.readings:,}")
    print(f"at most {most:,.0f} readings a second, from a backlog, with everything on")
    print(
        verdict(
            "readings taken in", min(first_half, second_half), "a second", arguments.rate * KEEPS_PACE, at_least=True
        )
    )
    growth = max((lag[group] - halfway.get(group, 0) for group in lag), default=0) / arguments.rate
    figures = (
        ("growth of the lag over the second half", growth, "s", MAX_GROWTH_S),
        ("memory of the stack", memory_bytes / 2**30, "GiB", 6.0),
        ("reading in Redis, p50", percentile(latency.readings_ms, 0.5) / 1000, "s", 1.5),
        ("reading in Redis, p99", percentile(latency.readings_ms, 0.99) / 1000, "s", 4.0),
        ("score in Redis, p50", percentile(latency.scores_ms, 0.5) / 1000, "s", 2.5),
        ("score in Redis, p99", percentile(latency.scores_ms, 0.99) / 1000, "s", 5.0),
    )
    for name, figure, unit, limit in figures:
        print(verdict(name, figure, unit, limit, at_least=False))


def _stream(layout: Layout, rate: int, seconds: int, what: str) -> float:
    """Publishes at `rate`, as far as the system lets it; readings a second that were acknowledged."""
    started = time.monotonic()
    publisher = Publisher(layout.endpoints)
    pace = Pace(rate / 10)
    for tick in track(range(seconds * rate // 10), what):
        for number in range(10):
            device = (tick * 10 + number) % DEVICES
            reading = {
                "metric": "temperature",
                "value": 20 + (tick % 70) / 10,
                "unit": "Cel",
                "ts": int(time.time() * 1000),
            }
            publisher.publish(f"device-{device:03}", json.dumps(reading).encode())
        pace.wait()
    publisher.close()
    return publisher.acknowledged / (time.monotonic() - started)


def _most(layout: Layout, messages: int) -> float:
    """Readings a second that leave the slowest consumer while it works off a backlog."""
    publisher, clock = Publisher(layout.endpoints), StrictlyIncreasingClock()
    started = time.monotonic()
    for number in track(range(messages), "as fast as it goes"):
        reading = {"metric": "temperature", "value": 20.5, "ts": clock.now_ms()}
        publisher.publish(f"device-{number % DEVICES:03}", json.dumps(reading).encode())
    publisher.close()
    while max(_lag(layout).values(), default=0) > 100:
        time.sleep(0.5)
    return messages / (time.monotonic() - started)


def _lag(layout: Layout) -> dict[str, int]:
    """Consumer group -> records behind the ends of its topics. Offsets are committed with checkpoints, every 5 s."""
    return {f"{group} {topic}": lag for (group, topic), lag in topics.collect(layout.endpoints.kafka).lags.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--rate", type=int, default=2000)
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
