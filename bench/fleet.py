"""The job score_anomalies with half-space trees against River's own loop: readings per CPU second.

    python -m bench.fleet

River's side is a bare loop over 100 interleaved series in a process beside the job: no Flink, no Kafka, no state kept.
Ours is the whole job, Kafka to Kafka, exactly once, with its models in checkpointed state. Each window of the job is
compared with what River did in it.
"""

import math
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
from models.detectors import detector
from models.detectors.calibration import Calibration
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Floats
from schemas.anomaly_score import AnomalyScore
from schemas.reading import Reading
from schemas.record import Position
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS
from stack.layout import Layout

DETECTOR = "half-space-trees"
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
    print(f"scores of {COMPARED} series equal River's, calibrated, exactly")
    worker = statistics.median(river_us / cost.python_us for river_us, cost in windows)
    job = statistics.median(river_us / cost.total_us for river_us, cost in windows)
    print(verdict("fleet worker", worker, "times River's loop", WORKER_LIMIT, at_least=True))
    print(verdict("fleet job", job, "times River's loop", JOB_LIMIT, at_least=True))


def _river_model() -> object:
    return preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42)


def _job(layout: Layout, at_mark: Callable[[], None] = lambda: None) -> list[Cost]:
    """The job over all readings: its cost in each of three windows behind each other."""
    os.environ["HEADRACE_JOB_DETECTOR"] = DETECTOR
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
    """Every score that the job wrote for some series, against the calibrated one of River's own object."""
    numbers = np.flatnonzero(np.arange(len(values)) % SERIES < COMPARED)
    expected = dict(zip(numbers.tolist(), _scores_by_river(numbers % SERIES, values[numbers]), strict=True))
    for record in scan(layout.endpoints.kafka, TELEMETRY_ANOMALIES):
        score = AnomalyScore.model_validate_json(record.value)
        offset = score.position.offset if score.position else None
        if offset in expected and score.score != expected[offset]:
            raise SystemExit(f"reading {offset}: the job says {score.score!r}, River {expected[offset]!r}")


def _scores_by_river(rows: Rows, values: Floats) -> list[float | None]:
    models = [_river_model() for _ in range(COMPARED)]
    scores = np.empty(len(values))
    for place, (row, value) in enumerate(zip(rows.tolist(), values.tolist(), strict=True)):
        scores[place] = models[row].score_one({"value": value})  # type: ignore[attr-defined]
        models[row].learn_one({"value": value})  # type: ignore[attr-defined]
    settings = detector(DETECTOR)
    calibration = Calibration(settings.bounded, settings.grace)
    calibration.grow(COMPARED)
    surprises = calibration.surprises(rows, scores)
    return [None if math.isnan(surprise) else surprise for surprise in surprises.tolist()]


if __name__ == "__main__":
    run(main)
