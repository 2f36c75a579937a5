"""clean_telemetry against a job that only parses JSON: CPU per message, Kafka to Kafka, exactly once on both sides.

    python -m bench.clean

98 % of the messages are one reading of 150 bytes, 1 % copies, 1 % bad. The JSON job loses the bad ones, and sees no
copy and no header. Then messages of 9,900 metrics: what one of them costs, against a message with one reading. CPU is
that of the TaskManager and of the Python worker. Last, without Flink, what JSON costs that a source maps with JMESPath
(bench/codecs.py). HEADRACE_BENCH_MESSAGES sends fewer messages than a million.
"""

import json
import os
import random
import statistics
from collections.abc import Iterator

from bench import codecs
from bench.command_line import run
from bench.job_cost import Cost, run_job
from bench.report import verdict
from bench.reset_offsets import reset_offsets, start_at
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors.kafka.clients import create_topics, producer
from jobs.names import consumer_group
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
)
from stack.layout import Layout

MESSAGES = int(os.environ.get("HEADRACE_BENCH_MESSAGES", "1000000"))
ROUNDS = 3
LIMIT, AIM = 4.0, 2.5
DEVICES = 2000
BEGIN_MS = 1_790_000_000_000

METRICS = 9_900
WIDE_MESSAGES = max(100, MESSAGES // METRICS)
"""Far more than a bundle of the worker: it decodes ahead of what is written."""
WIDE_LIMIT, WIDE_AIM = 1.0, 0.3

MAPPED_ROUNDS = 7

OUTPUTS = {
    "json": [TELEMETRY_READINGS],
    "clean": [TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, DEAD_LETTERS],
}

Raw = tuple[bytes, bytes]
"""Key and payload."""


def main() -> None:
    with bench_stack() as layout:
        create_topics(layout.endpoints.kafka)
        _send(layout, _readings())
        # The JSON job loses the bad rows: 1 % of the messages never come out.
        expected = {"json": int(MESSAGES * 0.985), "clean": MESSAGES}
        costs: dict[str, list[Cost]] = {side: [] for side in OUTPUTS}
        for round_ in range(1, ROUNDS + 1):
            for side in OUTPUTS:
                reset_offsets(layout, consumer_group(f"bench_{side}"), "bench-json")
                costs[side].append(_measure(layout, side, expected[side]))
                _say(f"round {round_}  {side:5} a message", costs[side][-1])
        wide = _wide(layout)
    single = statistics.median(cost.total_us for cost in costs["clean"])
    ratio = single / statistics.median(cost.total_us for cost in costs["json"])
    mapped = codecs.mapped_verdict(MAPPED_ROUNDS)
    print(verdict("clean", ratio, "times a JSON parse", LIMIT, at_least=False, aim=AIM))
    wide_ratio = wide.total_us / single
    print(verdict("clean-wide", wide_ratio, "times a single reading", WIDE_LIMIT, at_least=False, aim=WIDE_AIM))
    print(mapped)


def _wide(layout: Layout) -> Cost:
    """Of one metric among thousands."""
    begin = TopicEnds(layout.endpoints.kafka, TELEMETRY_RAW).of_partitions()
    _send(layout, _wide_messages())
    start_at(layout, consumer_group("bench_clean"), begin)
    cost = _measure(layout, "clean", WIDE_MESSAGES * METRICS)
    _say(f"1 of {METRICS:,} metrics", cost)
    return cost


def _measure(layout: Layout, side: str, expected: int) -> Cost:
    ends = TopicEnds(layout.endpoints.kafka, *OUTPUTS[side])
    before = ends()
    (cost,) = run_job(layout, "bench.clean_jobs", [side], expected, lambda: ends() - before)
    return cost


def _say(what: str, cost: Cost) -> None:
    parts = f"{cost.jvm_us:.1f} JVM + {cost.python_us:.1f} Python"
    print(f"{what}: {cost.total_us:.1f} us of CPU = {parts}{'' if cost.is_warm else ', not warm'}", flush=True)


def _send(layout: Layout, messages: Iterator[Raw]) -> None:
    """With the headers of the bridge."""
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    n = size = 0
    for number, (key, payload) in enumerate(messages):
        headers = {
            "source": "fleet", "mqtt_topic": f"fleet/{key.decode()}/telemetry", "qos": "1", "retained": "0",
            "duplicate": "0", "received_at": str(BEGIN_MS + number),
        }  # fmt: skip
        client.send(
            TELEMETRY_RAW.name, key=key, value=payload,
            headers=[(name, value.encode()) for name, value in headers.items()],
        )  # fmt: skip
        n, size = n + 1, size + len(payload)
    client.flush()
    client.close()
    print(f"{n:,} messages of about {size // n:,} bytes in {TELEMETRY_RAW.name}", flush=True)


def _readings() -> Iterator[Raw]:
    """The same messages for both sides, from a fixed seed."""
    chance = random.Random(7)
    last = (b"", b"")
    for number in range(MESSAGES):
        reading = {
            "metric": "temperature", "value": round(20 + 5 * chance.random(), 3), "unit": "Cel",
            "ts": BEGIN_MS + number, "seq": number, "firmware": "4.11.2-release", "battery": 3.71, "rssi": -67,
        }  # fmt: skip
        key = f"device-{number % DEVICES:05}".encode()
        kind = number % 100
        message = (key, b'{"metric":' if kind == 50 else json.dumps(reading).encode())
        last = last if kind == 60 else message
        yield last


def _wide_messages() -> Iterator[Raw]:
    for number in range(WIDE_MESSAGES):
        values = {f"metric {metric:05}": metric + 0.5 for metric in range(METRICS)}
        payload = json.dumps({"ts": BEGIN_MS + number, "values": values}, separators=(",", ":"))
        yield f"device-{number % DEVICES:05}".encode(), payload.encode()


if __name__ == "__main__":
    run(main)
