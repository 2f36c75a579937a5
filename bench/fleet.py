"""The job score_anomalies with half-space trees against River's own loop: readings per CPU second.

    python -m bench.fleet

River's side is a bare loop over 100 interleaved series in a process beside the job: no Flink, no Kafka, no state kept.
Ours is the whole job, Kafka to Kafka, exactly once, with its models in checkpointed state. Each window of the job is
compared with what River did in it.
"""

import os
import statistics
from collections.abc import Callable

import numpy as np
from river import anomaly, preprocessing

from bench.command_line import run
from bench.job_cost import Cost, run_job
from bench.report import verdict
from bench.reset_offsets import reset_offsets
from bench.river_reference import RiverReference
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors.kafka.clients import create_topics, producer
from connectors.kafka.scan import scan
from jobs.names import consumer_group
from models.detectors.growable_arrays import Floats
from schemas.anomaly_score import AnomalyScore
from schemas.reading import Reading
from schemas.record import Position
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS
from stack.layout import Layout

SERIES = 100
READINGS = 1_500_000
RIVER_READINGS = 100_000
"""In memory; the loop begins again with the first."""
ROUNDS = 3
WORKER_LIMIT, JOB_LIMIT = 6.0, 4.0
BEGIN_MS = 1_790_000_000_000
COMPARED = 5


def main() -> None:
    values = 20 + 2 * np.random.default_rng(7).standard_normal(READINGS)
    with bench_stack() as layout:
        _fill(layout, values)
        _job(layout)  # a fresh JVM compiles for a minute
        print("warm: now with River's loop beside the job", flush=True)
        with RiverReference(_river_model, values[:RIVER_READINGS], SERIES) as river:
            costs = _job(layout, river.mark)
            windows = [(river.cost_us(cost.begin, cost.end), cost) for cost in costs]
        for river_us, cost in windows:
            print(f"River {river_us:5.1f} us, worker {cost.python_us:5.1f} us, JVM {cost.jvm_us:5.1f} us a reading")
        _require_equal_scores(layout, values)
    print(f"scores of {COMPARED} series equal River's exactly")
    worker = statistics.median(river_us / cost.python_us for river_us, cost in windows)
    job = statistics.median(river_us / cost.total_us for river_us, cost in windows)
    print(verdict("fleet worker", worker, "times River's loop", WORKER_LIMIT, at_least=True))
    print(verdict("fleet job", job, "times River's loop", JOB_LIMIT, at_least=True))


def _river_model() -> object:
    return preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42)


def _job(layout: Layout, at_mark: Callable[[], None] = lambda: None) -> list[Cost]:
    """The job over all readings: its cost in each of three windows behind each other."""
    os.environ["HEADRACE_JOB_DETECTOR"] = "half-space-trees"
    reset_offsets(layout, consumer_group("score_anomalies"))
    ends = TopicEnds(layout.endpoints.kafka, TELEMETRY_ANOMALIES)
    before = ends()
    return run_job(
        layout, "jobs.score_anomalies", [], READINGS, lambda: ends() - before, windows=ROUNDS, at_mark=at_mark
    )


def _fill(layout: Layout, values: Floats) -> None:
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


def _require_equal_scores(layout: Layout, values: Floats) -> None:
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
        offset = score.position.offset if score.position else None
        if offset in expected and score.score != expected[offset]:
            raise SystemExit(f"reading {offset}: the job says {score.score!r}, River {expected[offset]!r}")


if __name__ == "__main__":
    run(main)
