"""Readings of many series that are scored together, and what was said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detectors.growable_arrays import Flags, Floats, Integers
from models.detectors.series_index import SeriesKey


@dataclass(frozen=True)
class Batch:
    """Readings as columns of one length `n`, in any order.

    Parameters
    ----------
    keys
        Device and metric.
    event_times
        In ms since the epoch.
    values
        Finite.
    partitions, offsets, items
        Position in the raw topic. Sequences and arrays are both welcome.
    """

    keys: Sequence[SeriesKey]
    event_times: Integers
    values: Floats
    partitions: Integers
    offsets: Integers
    items: Integers

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values, np.float64))
        for name in ("event_times", "partitions", "offsets", "items"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class ScoredBatch:
    """The readings that were new, in the order they were scored; columns of one length `n_new <= n`.

    Parameters
    ----------
    index
        Place of each reading in the incoming batch.
    scores, thresholds
        In the detector's scale. The threshold was known before the reading came.
    is_anomaly
        Whether the score was above the threshold.
    episodes
        Event time of the episode's first flagged reading in ms, or `NO_EPISODE`.
    """

    index: Integers
    scores: Floats
    thresholds: Floats
    is_anomaly: Flags
    episodes: Integers

    def __len__(self) -> int:
        return len(self.index)
