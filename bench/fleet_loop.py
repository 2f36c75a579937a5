"""What scoring costs: River's own loop over 100 series against our Scorer, CPU time, same readings, one run.

python -m bench.fleet_loop
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from river import anomaly, compose, preprocessing

from bench.command_line import run
from models.detectors import Batch, Scorer

N_SERIES = 100
BATCH = 128
LIMIT = 6
WARM_UP = 300 * N_SERIES
MEASURED = 250 * N_SERIES  # every series turns its window once in each repeat
REPEATS = 3


def main() -> None:
    values = np.random.default_rng(7).normal(20, 2, WARM_UP + REPEATS * MEASURED)
    river_us = _us_per_record(_river_loop(), values)
    scorer_us = _us_per_record(_scorer_loop(), values)
    times = river_us / scorer_us
    print(f"River's loop, {N_SERIES} models   {river_us:7.2f} us of CPU a record")
    print(f"Scorer, batches of {BATCH}     {scorer_us:7.2f} us of CPU a record")
    print(f"fleet loop: {times:.1f} times River, limit {LIMIT}: {'met' if times >= LIMIT else 'missed'}")


def _us_per_record(score: Callable[[int, Any], None], values: Any) -> float:
    """The median of the repeats, after a warm-up in which every series fills its first window."""
    score(0, values[:WARM_UP])
    return statistics.median(
        _cpu_us(score, start, values[start : start + MEASURED]) / MEASURED
        for start in range(WARM_UP, len(values), MEASURED)
    )


def _cpu_us(score: Callable[[int, Any], None], start: int, values: Any) -> float:
    before = time.process_time()
    score(start, values)
    return (time.process_time() - before) * 1e6


def _river_loop() -> Callable[[int, Any], None]:
    trees = [anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42) for _ in range(N_SERIES)]
    models = [compose.Pipeline(preprocessing.MinMaxScaler(), each) for each in trees]

    def score(start: int, values: Any) -> None:
        for number, value in enumerate(values.tolist(), start):
            model, reading = models[number % N_SERIES], {"value": value}
            model.score_one(reading)
            model.learn_one(reading)

    return score


def _scorer_loop() -> Callable[[int, Any], None]:
    scorer = Scorer("half-space-trees")

    def score(start: int, values: Any) -> None:
        for batch in _batches(start, values):
            scorer.step(batch)

    return score


def _batches(start: int, values: Any) -> Iterator[Batch]:
    keys = [(f"device-{number}", "temperature") for number in range(N_SERIES)]
    for first in range(0, len(values), BATCH):
        numbers = np.arange(first, min(first + BATCH, len(values))) + start
        zeros = np.zeros(len(numbers), np.int64)
        names = [keys[number] for number in (numbers % N_SERIES).tolist()]
        yield Batch(names, numbers * 1000, values[first : first + BATCH], zeros, numbers, zeros)


if __name__ == "__main__":
    run(main)
