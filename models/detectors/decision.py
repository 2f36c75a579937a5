"""Which readings are alerts, when a series may have so many a week."""

import math
from dataclasses import dataclass

import numpy as np

from models.detectors.compiled import compiled
from models.detectors.extremes import EXTREMES, WEEK_MS
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Codes, Column, Flags, Floats, Integers, SeriesColumns
from models.detectors.logarithm import LOG10_E, exp, ln
from models.detectors.runs import USUAL, follow_run, is_longest
from schemas.anomaly_kind import AnomalyKind

NO_EPISODE = int(np.iinfo(np.int64).min)
"""In place of an event time: the reading is in no episode."""

ALERTS_PER_WEEK = 0.3

_PRIOR_PEAKS, _PRIOR_READINGS = 3.0, 1000.0
_PRIOR_WEIGHT = 60.0
"""Peaks of a series that weigh as much as the prior of the mean excess."""

_MEMORY = 20_000.0
"""Readings after which an old peak counts 1 / e."""

_YOUTH = 6000.0
"""Readings of age at which novelties come twice as often as later: the share of records falls with one over the age."""

_MOST_EXCESS = 5.0
"""A peak counts as so many mean excesses above the threshold at most: an event hardly blinds its series."""

_RUN_ENDS_AFTER = 24
_RAISE = 0.05
"""Of the logarithm of the threshold, for each alert of the time in which one is due, beyond the first."""

_REST, _LONGEST_REST = 0.03, 240
"""Of the readings of a series, and in readings: after an alert nothing is a new one."""

_LONGEST_GAP = 8.0
"""Usual distances that a distance between two readings counts as at most."""

_NO_PEAK = -1e9

_STUCK, _SPIKE = int(AnomalyKind.STUCK), int(AnomalyKind.SPIKE)

_SPIKE_ENDS_AFTER = 12
"""Readings: what goes on for longer is of the kind that the views see then."""

COLUMNS = {
    "n": Column(0, np.int64),
    "calm": Column(_RUN_ENDS_AFTER, np.int32),
    "since": Column(2**30, np.int32),
    "n_calm": Column(0, np.int32),
    "kind": Column(0, np.int8),
    "episode": Column(NO_EPISODE, np.int64),
    "heard": Column(NO_EPISODE, np.int64),
    "interval": Column(0.0),
    "weight": Column(0.0),
    "peaks": Column(0.0),
    "excess": Column(0.0),
    "peak": Column(_NO_PEAK),
    "alerts": Column(0.0),
    "last": Column(np.nan),
    "run": Column(0, np.int32),
    "runs": EXTREMES,
}


@dataclass(frozen=True)
class Decided:
    """What became of each reading; columns as in `ScoredBatch`."""

    thresholds: Floats
    is_anomaly: Flags
    episodes: Integers
    kinds: Codes


@compiled
def limit(
    n: int, weight: float, peaks: float, excess: float, alerts: float, per_alert: float, base: float,
    usual_excess: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Logarithm of the threshold, how much of it earlier alerts have added, and the mean excess of peaks.

    Parameters
    ----------
    n
        Readings of the series so far.
    weight, peaks, excess
        How many readings count, their peaks, and the sum of the peaks' excesses.
    alerts
        Earlier ones, fading.
    per_alert
        Readings for each alert that may be.
    base, usual_excess
        Of the tail, as the logarithm of a surprise; and of the prior.
    """
    mean = (_PRIOR_WEIGHT * usual_excess + excess) / (_PRIOR_WEIGHT + peaks)
    often = (_PRIOR_PEAKS + peaks) / (_PRIOR_READINGS + weight) * (1.0 + _YOUTH / (n + 1))
    decades = max(0.0, ln(often * per_alert) * LOG10_E)
    raised = _RAISE * max(0.0, alerts - 1.0)
    return base + mean * decades * decades + raised, raised, mean


@compiled
def decide(
    rows: Array, event_times: Array, values: Array, surprises: Array, kinds: Array, raises: Array,
    rate: float, base: float, usual_excess: float, closes_after: int,
    thresholds: Array, is_anomaly: Array, episodes: Array,
    n: Array, calm: Array, since: Array, n_calm: Array, kind: Array, episode: Array, heard: Array, interval: Array,
    weight: Array, peaks: Array, excess: Array, peak: Array, alerts: Array, last: Array, run: Array, runs: Array,
) -> None:  # fmt: skip
    """Decide on readings in order; `kinds` is overwritten with those of the episodes."""
    keep = 1.0 - 1.0 / _MEMORY
    for place in range(len(rows)):
        row, time = rows[place], event_times[place]
        n[row] += 1
        if heard[row] != NO_EPISODE:
            distance = max(0.0, float(time) - float(heard[row]))
            if interval[row] > 0.0:
                distance = min(distance, _LONGEST_GAP * interval[row])
            interval[row] += max(1.0 / (n[row] - 1), 1e-3) * (distance - interval[row])
        heard[row] = time
        thresholds[place], is_anomaly[place], episodes[place] = np.nan, False, NO_EPISODE
        told, kinds[place] = kinds[place], 0
        since[row] = min(2**30, since[row] + 1)
        run[row], stuck = follow_run(values[place], last[row], run[row], runs[row], n[row], interval[row], rate)
        last[row] = values[place]
        if run[row] == 1 and kind[row] == _STUCK and episode[row] != NO_EPISODE:
            episode[row], since[row] = NO_EPISODE, 0
        above = False
        if math.isfinite(surprises[place]):
            per_alert = WEEK_MS / max(interval[row], 1.0) / rate
            log_limit, raised, mean = limit(
                n[row], weight[row], peaks[row], excess[row], alerts[row], per_alert, base, usual_excess
            )
            log_limit, raised = log_limit + raises[place], raised + raises[place]
            thresholds[place] = exp(log_limit)
            above = surprises[place] >= thresholds[place]
            surprise = ln(max(surprises[place], 1e-3))
            weight[row] = weight[row] * keep + 1.0
            peaks[row] *= keep
            excess[row] *= keep
            alerts[row] *= 1.0 - min(0.5, 0.7 / per_alert)
            if surprise > base:
                peak[row] = max(peak[row], min(surprise, log_limit - raised + _MOST_EXCESS * mean))
                calm[row] = 0
            else:
                calm[row] = min(_RUN_ENDS_AFTER + 1, calm[row] + 1)
                if calm[row] == _RUN_ENDS_AFTER and peak[row] != _NO_PEAK:
                    peaks[row] += 1.0
                    excess[row] += max(0.0, peak[row] - base)
                    peak[row] = _NO_PEAK
        elif episode[row] == NO_EPISODE and stuck <= USUAL:
            continue
        began_in_run = since[row] < run[row]
        if episode[row] != NO_EPISODE:
            if stuck > USUAL and began_in_run:
                kind[row] = _STUCK
            elif kind[row] == _SPIKE and since[row] >= _SPIKE_ENDS_AFTER and told != 0:
                kind[row] = told
            n_calm[row] = 0 if above else n_calm[row] + 1
            is_held = kind[row] == _STUCK or (began_in_run and is_longest(run[row], runs[row]))
            if not is_held and (n_calm[row] >= closes_after or since[row] > _LONGEST_REST):
                episode[row] = NO_EPISODE
        elif stuck > USUAL or (above and since[row] > min(_LONGEST_REST, int(_REST * n[row]))):
            if not stuck > USUAL:
                alerts[row] += 1.0
            if stuck > USUAL or is_longest(run[row], runs[row]):
                told = _STUCK
            episode[row], kind[row], n_calm[row], since[row] = time, told, 0, 0
        if episode[row] != NO_EPISODE:
            is_anomaly[place], episodes[place], kinds[place] = True, episode[row], kind[row]


class Decision:
    """The threshold of each series, such that it has about as many alerts as were asked for.

    The surprises of a series above a base come in runs. How often, and by how much the largest of a run exceeds the
    base, is learned for each series from a prior that was measured on series without anomalies (`bench/alert_rate.py`):
    peaks over a threshold [1]_. The threshold is where the excess, extrapolated, is as rare as the rate allows for
    readings as close in time as these. It grows with the square of the decades that are extrapolated: further away
    than the series has been, tails are heavier than near by. Each alert beyond the first raises it for a while.

    An alert opens an episode; it lasts until `closes_after` readings in a row are below the threshold, or 240 readings.
    Behind an alert the series rests: for 3 % of its readings so far, at most 240, nothing is a new alert.

    A series that repeats one value for longer than the rate allows (`runs`) is stuck, until its value changes. What the
    detector says in a run that is longer than any before belongs to that alert.

    Parameters
    ----------
    alerts_per_week
        Of a series, above 0.
    base
        Surprise above which the tail begins: runs of them have peaks.
    usual_excess
        Prior of the mean excess, of logarithms of surprises.
    closes_after
        Readings.

    References
    ----------
    .. [1] M. R. Leadbetter, On a basis for 'Peaks over Threshold' modeling, Statistics & Probability Letters 12(4),
       1991.
    """

    def __init__(self, alerts_per_week: float, base: float, usual_excess: float, closes_after: int = 3) -> None:
        if not 0.0 < alerts_per_week < math.inf:
            raise ValueError(f"alerts per week must be above 0, not {alerts_per_week}")
        if closes_after < 1:
            raise ValueError(f"closes_after must be 1 or more, not {closes_after}")
        self._settings = float(alerts_per_week), ln(base), float(usual_excess), closes_after
        self.series = SeriesColumns(**COLUMNS)

    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`."""
        self.series.grow(n_series)

    def judge(
        self, rows: Rows, event_times: Integers, values: Floats, surprises: Floats, kinds: Codes, raises: Floats
    ) -> Decided:
        """Decide on readings, of one series in order.

        Parameters
        ----------
        rows, event_times, values, surprises
            Shape `(n,)`; times in ms; a surprise is NaN for a reading without a score.
        kinds
            What each would be if it were an alert.
        raises
            Shape `(n,)`: what verdicts add to the logarithms of the thresholds.
        """
        n = len(rows)
        decided = Decided(np.empty(n), np.empty(n, np.bool_), np.empty(n, np.int64), kinds.astype(np.int8))
        decide(
            rows, event_times, values, surprises, decided.kinds, raises, *self._settings,
            decided.thresholds, decided.is_anomaly, decided.episodes, *(self.series[name] for name in COLUMNS),
        )  # fmt: skip
        return decided
