"""What keeping the watermark costs window_telemetry (docs/adr/0018): CPU per reading, Kafka to Kafka, with and without.

python -m bench.windows
"""

import json
import statistics
import sys

from bench.command_line import run
from bench.job_cost import run_job
from bench.reset_offsets import reset_offsets
from bench.stack import bench_stack
from connectors.kafka.clients import admin_client, create_topics, producer
from connectors.kafka.reading import group_offsets
from jobs.names import consumer_group
from schemas.topics import TELEMETRY_READINGS
from stack.layout import Layout

READINGS = 1_000_000
ROUNDS = 4
DEVICES = 2000
BEGIN_MS = 1_790_000_000_000
GROUP = consumer_group("window_telemetry")
SIDES = ("without", "with")

FENCED = """
SELECT device, metric, event_time, fenced_value AS `value`, unit, sequence, `position`, et
FROM arrivals CROSS JOIN UNNEST(ARRAY[`value`]) AS f (fenced_value)"""
"""In place of the stage: it keeps the planner from judging in front of the union, and nothing over a restart."""


def main() -> None:
    costs: dict[str, list[float]] = {side: [] for side in SIDES}
    with bench_stack() as layout:
        create_topics(layout.endpoints.kafka)
        sent = _send(layout, 0, READINGS)
        for round_ in range(ROUNDS):
            for side in SIDES if round_ % 2 == 0 else SIDES[::-1]:  # the JVM gets quicker from run to run
                reset_offsets(layout, GROUP)

                def more() -> int:
                    nonlocal sent
                    sent += _send(layout, sent, sent)
                    reset_offsets(layout, GROUP)
                    return sent

                (cost,) = run_job(layout, "bench.windows", [side], sent, lambda: _read(layout), more=more)
                costs[side].append(cost.jvm_us)
                print(f"round {round_ + 1}  {side:7} {cost.jvm_us:5.2f} us of CPU a reading", flush=True)
    without, with_ = (statistics.median(costs[side]) for side in SIDES)
    print(f"the stage that keeps the watermark: {with_ - without:+.2f} us of CPU a reading, {with_ / without - 1:+.1%}")


def job(side: str) -> None:
    """Submits window_telemetry; without the stage if `side` says so."""
    from jobs import sql_file, window_telemetry

    if side == "without":
        window_telemetry.build = lambda tables: sql_file.load(
            tables, window_telemetry.JOB, operators={"remember_watermark": lambda tables: tables.sql_query(FENCED)}
        )
    window_telemetry.main()


def _send(layout: Layout, first: int, many: int) -> int:
    """So many more; how many that are."""
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    for number in range(first, first + many):
        device = f"device-{number % DEVICES:05}"
        position = {"topic": "telemetry.raw", "partition": 0, "offset": number, "item": 0, "items": 1}
        reading = {
            "schema_version": 1, "device": device, "metric": "temperature", "event_time": BEGIN_MS + number // 2,
            "value": 20 + number % 977 / 100, "unit": "Cel", "sequence": number, "position": position,
        }  # fmt: skip
        client.send(TELEMETRY_READINGS.name, key=device.encode(), value=json.dumps(reading).encode())
    client.flush()
    client.close()
    print(f"{first + many:,} readings in {TELEMETRY_READINGS.name}", flush=True)
    return many


def _read(layout: Layout) -> int:
    """How far the job's checkpoints are. Records stand without gaps: no transaction wrote them."""
    with admin_client(layout.endpoints.kafka) as admin:
        return sum(group_offsets(admin, [GROUP]).values())


if __name__ == "__main__":
    job(sys.argv[1]) if len(sys.argv) > 1 else run(main)
