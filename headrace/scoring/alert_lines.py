"""An alert as one line for a person."""

from collections.abc import Iterator, Sequence

import numpy as np

from headrace.dead_letters.terminal_text import one_line
from headrace.scoring.file_scorer import ScoredReadings
from models.detectors.growable_arrays import Integers
from models.detectors.series_index import SeriesKey
from schemas.anomaly_explanation import explanation

SHOWN_NAME = 100
"""Characters of a device, or of a metric."""


def alert_lines(scored: ScoredReadings, keys: Sequence[SeriesKey]) -> Iterator[str]:
    """Time, series, value to the last digit, and the sentence with the expected range and the kind."""
    said, alerts = scored.said, np.flatnonzero(scored.is_alert)
    for at, moment in zip(alerts.tolist(), iso_times(scored.times[alerts]), strict=True):
        value, kind = float(scored.values[at]), int(said.kinds[at])
        sentence = explanation(value, float(said.expected_low[at]), float(said.expected_high[at]), kind)
        said_of_it = [moment, shown_series(keys[scored.series[at]]), f"{value!r}", sentence]
        yield "  ".join(filter(None, said_of_it))


def shown_series(key: SeriesKey) -> str:
    """Device and metric, as far as there are both."""
    return " ".join(one_line(part, SHOWN_NAME) for part in key if part)


def iso_times(times: Integers) -> list[str]:
    """Times in ms as ISO 8601, in UTC.

    >>> iso_times(np.array([1_772_582_400_125]))
    ['2026-03-04T00:00:00.125Z']
    """
    return [f"{each}Z" for each in np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms").tolist()]
