"""clean_telemetry against a job that only parses JSON: CPU per message, Kafka to Kafka, exactly once on both sides.

    python -m bench.clean [--parts]

98 % of the messages are one reading of 150 bytes, 1 % copies, 1 % bad. The JSON job loses the bad ones and
sees no copy.
"""

import json
import random
import statistics
import sys
from collections.abc import Callable
from functools import partial

from bench.clean_parts import PARTS
from bench.command_line import run
from bench.job_cost import Cost, run_job
from bench.report import verdict
from bench.reset_offsets import forget_offsets
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors.kafka.clients import create_topics, producer
from jobs.names import consumer_group
from schemas.topics import DEAD_LETTERS, TELEMETRY_DUPLICATES, TELEMETRY_RAW, TELEMETRY_READINGS, Topic
from stack.layout import Layout

MESSAGES = 1_000_000
ROUNDS = 3
LIMIT = 8.0
DEVICES = 2000
BEGIN_MS = 1_790_000_000_000


def main() -> None:
    with bench_stack() as layout:
        _fill(layout)
        sides = {"json": [TELEMETRY_READINGS], "clean": [TELEMETRY_READINGS, TELEMETRY_DUPLICATES, DEAD_LETTERS]}
        costs: dict[str, list[Cost]] = {side: [] for side in sides}
        for round_ in range(ROUNDS):
            for side, outputs in sides.items():
                cost = _measure(layout, side, outputs)
                costs[side].append(cost)
                print(f"round {round_ + 1}  {side:6} {cost.jvm_us:6.1f} us of CPU a message", flush=True)
        if "--parts" in sys.argv:
            _print_parts(layout)
    ratio = statistics.median(c.total_us for c in costs["clean"]) / statistics.median(c.total_us for c in costs["json"])
    print(verdict("clean", ratio, "times a JSON parse", LIMIT, at_least=False))


def _measure(layout: Layout, side: str, outputs: list[Topic]) -> Cost:
    ends = TopicEnds(layout.endpoints.kafka, *outputs)
    before = ends()
    # The JSON job loses the bad rows: 1 % of the messages never come out.
    expected = MESSAGES if side == "clean" else int(MESSAGES * 0.985)
    forget_offsets(layout, consumer_group(f"bench_{side}"), "bench-json")
    (cost,) = run_job(layout, "bench.clean_jobs", [side], expected, lambda: ends() - before)
    return cost


def _print_parts(layout: Layout) -> None:
    """How the cost grows along the flow. Each part ends in the same sink."""
    previous = 0.0
    ends = TopicEnds(layout.endpoints.kafka, TELEMETRY_DUPLICATES)
    for part in PARTS:
        before = ends()
        forget_offsets(layout, consumer_group(f"bench_{part}"))
        expected = int(MESSAGES * 0.985)  # bad ones are in no `numbered`
        (cost,) = run_job(
            layout,
            "bench.clean_jobs",
            [part],
            expected,
            partial(_grown, ends, before),
        )
        print(f"up to {part:9} {cost.jvm_us:6.1f} us, {cost.jvm_us - previous:+6.1f}", flush=True)
        previous = cost.jvm_us


def _grown(ends: Callable[[], int], before: int) -> int:
    return ends() - before


def _fill(layout: Layout) -> None:
    """The same messages for both sides, from a fixed seed."""
    create_topics(layout.endpoints.kafka)
    chance = random.Random(7)
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    last = (b"", b"")
    for number in range(MESSAGES):
        reading = {
            "metric": "temperature", "value": round(20 + 5 * chance.random(), 3), "unit": "Cel",
            "ts": BEGIN_MS + number, "seq": number, "firmware": "4.11.2-release", "battery": 3.71, "rssi": -67,
        }  # fmt: skip
        key = f"device-{number % DEVICES:05}".encode()
        kind = number % 100
        message = (key, b'{"metric":' if kind == 50 else json.dumps(reading).encode())
        key, payload = last if kind == 60 else message
        client.send(TELEMETRY_RAW.name, key=key, value=payload)
        last = (key, payload)
    client.flush()
    client.close()
    print(f"{MESSAGES:,} messages of about {len(payload)} bytes in {TELEMETRY_RAW.name}", flush=True)


if __name__ == "__main__":
    run(main)
