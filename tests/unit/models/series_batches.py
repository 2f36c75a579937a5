"""Readings for the detector tests: several series, positions as Kafka would give them, random batch cuts."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from models.detectors import Batch, ScoredBatch, Scorer


def readings(n: int, n_series: int = 5, seed: int = 3, partitions: int = 2) -> Batch:
    """`n` readings of interleaved series, one of them constant, 1 % outliers, in order of their positions."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, n_series, n)
    values = rng.normal(20, 2, n) + 30 * (rng.random(n) < 0.01)
    values[numbers == n_series - 1] = 7.0
    keys = [(f"device-{number}", "temperature") for number in numbers.tolist()]
    offsets, items = np.divmod(np.arange(n), 3)
    return Batch(keys, np.arange(n) * 60_000, values, numbers % partitions, offsets, items)


def part(batch: Batch, places: slice | np.ndarray) -> Batch:
    """The readings of `batch` at `places`."""
    where = np.arange(len(batch))[places]
    columns = (batch.event_times, batch.values, batch.partitions, batch.offsets, batch.items)
    return Batch([batch.keys[place] for place in where.tolist()], *(column[where] for column in columns))


def cut(batch: Batch, ends: Sequence[int]) -> Iterator[Batch]:
    """`batch` cut before each of `ends`."""
    bounds = [0, *sorted(ends), len(batch)]
    for start, end in pairwise(bounds):
        yield part(batch, slice(start, end))


def random_ends(n: int, n_cuts: int, seed: int = 5) -> list[int]:
    return np.random.default_rng(seed).integers(0, n + 1, n_cuts).tolist()


def by_position(batch: Batch, scored: ScoredBatch) -> dict[tuple, tuple]:
    """What was said of each reading, by its series and position."""
    columns = (
        scored.scores, scored.thresholds, scored.is_anomaly, scored.episodes, scored.expected_low,
        scored.expected_high, scored.kinds,
    )  # fmt: skip
    said = zip(*(none_for_nan(column) for column in columns), strict=True)
    return {_identity(batch, place): each for place, each in zip(scored.index.tolist(), said, strict=True)}


def _identity(batch: Batch, place: int) -> tuple:
    position = (batch.partitions[place], batch.offsets[place], batch.items[place])
    return (batch.keys[place], *map(int, position))


def said_of_all(scorer: Scorer, batches: Iterator[Batch] | Sequence[Batch]) -> dict[tuple, tuple]:
    """What the scorer says of each reading of all batches."""
    said: dict[tuple, tuple] = {}
    for batch in batches:
        said |= by_position(batch, scorer.step(batch))
    return said


def none_for_nan(column: np.ndarray) -> list:
    """The entries of a column; NaN, which is equal to nothing, is None."""
    return [None if entry != entry else entry for entry in column.tolist()]
