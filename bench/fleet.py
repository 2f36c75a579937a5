"""The job score_anomalies with half-space trees against River's own loop: readings per CPU second.

    python -m bench.fleet

River's side is a bare loop over 100 interleaved series in this process: no Flink, no Kafka, no state kept.
Ours is the whole job, Kafka to Kafka, exactly once, with its models in checkpointed state.
"""

import os
import statistics
import time

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from river import anomaly, preprocessing

from bench.job_cost import Cost, run_job
from bench.stack import bench_stack
from bench.verdict import verdict
from connectors.kafka import create_topics, producer
from connectors.kafka_scan import scan
from headrace.stack.layout import Layout
from schemas.anomaly_score import AnomalyScore
from schemas.reading import Reading
from schemas.record import Position
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS

SERIES = 100
READINGS = 1_000_000
RIVER_READINGS = 40_000
ROUNDS = 3
WORKER_LIMIT, JOB_LIMIT = 6.0, 4.0
BEGIN_MS = 1_790_000_000_000
COMPARED = 5


def main() -> None:
    values = 20 + 2 * np.random.default_rng(7).standard_normal(READINGS)
    with bench_stack() as layout:
        _fill(layout, values)
        _job(layout, "warm-up")  # a fresh JVM compiles for a minute
        river_us = [_river_loop_us(values) for _ in range(ROUNDS)]
        print("River    ", ", ".join(f"{us:.1f}" for us in river_us), "us a reading", flush=True)
        costs = _job(layout, "job")
        _require_equal_scores(layout, values)
    river = statistics.median(river_us)
    print(f"scores of {COMPARED} series equal River's exactly")
    worker, job = (statistics.median(getattr(cost, side) for cost in costs) for side in ("python_us", "total_us"))
    print(verdict("fleet worker", river / worker, "times River's loop", WORKER_LIMIT, at_least=True))
    print(verdict("fleet job", river / job, "times River's loop", JOB_LIMIT, at_least=True))


def _river_model() -> object:
    return preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42)


def _river_loop_us(values: np.ndarray) -> float:
    """CPU microseconds a reading, warm: every model has passed its first window."""
    models = [_river_model() for _ in range(SERIES)]
    readings = [{"value": value} for value in values[: RIVER_READINGS + 300 * SERIES].tolist()]
    for number, reading in enumerate(readings[: 300 * SERIES]):
        models[number % SERIES].learn_one(reading)  # type: ignore[attr-defined]
    started = time.process_time()
    for number, reading in enumerate(readings[300 * SERIES :]):
        model = models[number % SERIES]
        model.score_one(reading)  # type: ignore[attr-defined]
        model.learn_one(reading)  # type: ignore[attr-defined]
    return (time.process_time() - started) / RIVER_READINGS * 1e6


def _job(layout: Layout, name: str) -> list[Cost]:
    """The job over all readings: its cost in each of three windows behind each other."""
    os.environ["HEADRACE_JOB_DETECTOR"] = "half-space-trees"
    admin = KafkaAdminClient(bootstrap_servers=layout.endpoints.kafka)
    if "headrace-score_anomalies" in {group["group_id"] for group in admin.list_groups()}:
        admin.delete_groups(["headrace-score_anomalies"])
    admin.close()
    consumer = KafkaConsumer(bootstrap_servers=layout.endpoints.kafka)
    numbers = consumer.partitions_for_topic(TELEMETRY_ANOMALIES.name) or set()
    partitions = [TopicPartition(TELEMETRY_ANOMALIES.name, number) for number in numbers]
    before = sum(consumer.end_offsets(partitions).values())
    try:
        costs = run_job(
            layout,
            "jobs.score_anomalies",
            [],
            READINGS,
            lambda: sum(consumer.end_offsets(partitions).values()) - before,
            windows=ROUNDS,
        )
    finally:
        consumer.close()
    for cost in costs:
        print(f"{name:9} Python worker {cost.python_us:5.1f} us, JVM {cost.jvm_us:5.1f} us a reading", flush=True)
    return costs


def _fill(layout: Layout, values: np.ndarray) -> None:
    """One reading of each series in turn."""
    create_topics(layout.endpoints.kafka)
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    for number, value in enumerate(values.tolist()):
        device = f"device-{number % SERIES:03}"
        reading = Reading(
            device=device, metric="temperature", event_time=BEGIN_MS + number, value=value,
            position=Position(topic="telemetry.raw", partition=0, offset=number),
        )  # fmt: skip
        client.send(TELEMETRY_READINGS.name, key=device.encode(), value=reading.model_dump_json().encode())
    client.flush()
    client.close()
    print(f"{READINGS:,} readings of {SERIES} series in {TELEMETRY_READINGS.name}", flush=True)


def _require_equal_scores(layout: Layout, values: np.ndarray) -> None:
    """Every score that the job wrote for some series, against River's own object."""
    models = {f"device-{number:03}": _river_model() for number in range(COMPARED)}
    expected = {}
    for number, value in enumerate(values.tolist()):
        model = models.get(f"device-{number % SERIES:03}")
        if model is not None:
            expected[number] = model.score_one({"value": value})  # type: ignore[attr-defined]
            model.learn_one({"value": value})  # type: ignore[attr-defined]
    for record in scan(layout.endpoints.kafka, TELEMETRY_ANOMALIES):
        if record.key.decode() not in models:
            continue
        score = AnomalyScore.model_validate_json(record.value)
        offset = score.position.offset
        if offset in expected and score.score != expected[offset]:
            raise SystemExit(f"reading {offset}: the job says {score.score!r}, River {expected[offset]!r}")


if __name__ == "__main__":
    main()
