"""Readings of many series that are scored together, and what was said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detectors.growable_arrays import Codes, Flags, Floats, Integers
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
    scores
        Surprise in decades: 3 is what one reading in about a thousand reaches. NaN while the series is still too
        young to be judged.
    thresholds
        In the scale of the scores. Known before the reading came; NaN without a score.
    is_anomaly
        Whether the reading belongs to an episode: from an alert until a few readings in a row are below the threshold.
    episodes
        Event time of the episode's alert in ms, or `NO_EPISODE`. The alert is the episode's first reading: the one
        whose event time that is.
    expected_low, expected_high
        What values the series' own recent past makes usual, known before the reading came; NaN where nothing is known.
    kinds
        Codes of `schemas.anomaly_kind.AnomalyKind`: of the alert for the readings of an episode, 0 for the others.
    raises
        What operators' verdicts have added to the logarithms of the thresholds.
    groups
        At alerts: event time in ms of the first alert of the device that this one belongs to; `NO_EPISODE` elsewhere.
    over_budget
        At alerts: whether the device has had as many groups of alerts as it may have.
    """

    index: Integers
    scores: Floats
    thresholds: Floats
    is_anomaly: Flags
    episodes: Integers
    expected_low: Floats
    expected_high: Floats
    kinds: Codes
    raises: Floats
    groups: Integers
    over_budget: Flags

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True)
class MissingSeries:
    """Series that have become missing; columns of one length.

    Parameters
    ----------
    keys
        Device and metric.
    overdue_at
        Event time of each alert, in ms: when the reading was too late, by the clock of the event times around it.
    usual_ms
        Mean distance of the readings.
    silent_ms
        Since the last one.
    n_held_back
        Series that are not among these since most of their partition fell silent together.
    """

    keys: Sequence[SeriesKey]
    overdue_at: Integers
    usual_ms: Floats
    silent_ms: Floats
    n_held_back: int

    def __len__(self) -> int:
        return len(self.keys)
