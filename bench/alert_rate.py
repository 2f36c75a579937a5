"""How many alerts series without anomalies have, against how many were asked for.

    python -m bench.alert_rate [weeks of readings] [series of each family] [seconds between readings] [alerts per week]

Scores each family of `bench/synthetic_series.py` with the default detector, and prints alerts of a series and week: of
the first week, of the others, of all; the ratio of these to what was asked for; and the part of it of kind stuck. Then
each family of `bench/synthetic_arrivals.py`, whose readings come at other times: the ratio of alerts of kind missing.
"""

import sys

import numpy as np

from bench.command_line import run
from bench.synthetic_arrivals import FAMILIES as FAMILIES_OF_ARRIVALS
from bench.synthetic_arrivals import Gaps, arrivals_s
from bench.synthetic_series import FAMILIES, Family
from models.detectors import ALERTS_PER_WEEK, DEFAULT, Batch, Scorer
from models.detectors.arrivals import Arrivals
from models.detectors.growable_arrays import Floats, Integers
from schemas.anomaly_kind import AnomalyKind

WEEK_S = 7 * 24 * 3600


def alerts(family: int, make: Family, n_series: int, n: int, period_s: float, rate: float) -> tuple[Integers, int]:
    """How many alerts each reading was, over all series; shape `(n,)`. And how many episodes were of kind stuck."""
    counted, n_stuck = np.zeros(n, np.int64), 0
    times, zeros, numbers = (np.arange(n) * period_s * 1000).astype(np.int64), np.zeros(n, np.int64), np.arange(n)
    scorer = Scorer(DEFAULT, alerts_per_week=rate)
    for series in range(n_series):
        values = make(np.random.default_rng([family, series]), n, period_s)
        keys = [(f"series-{series}", "value")] * n
        scored = scorer.step(Batch(keys, times, values, zeros, numbers, zeros))
        counted += scored.episodes == times
        n_stuck += len(np.unique(scored.episodes[scored.kinds == AnomalyKind.STUCK]))
    return counted, n_stuck


def missing_of_a_week(
    make: Gaps, weeks: float, n_series: int, period_s: float, rate: float, has_nights: bool = False
) -> float:
    """Alerts of kind missing of a series and week; the time moves in ticks of a fifth of the period."""
    end_s, step = weeks * WEEK_S, round(period_s * 200)
    each = [arrivals_s(make, np.random.default_rng([7, n]), end_s, period_s, has_nights) for n in range(n_series)]
    order = np.argsort(np.concatenate(each), kind="stable")
    times = (np.concatenate(each)[order] * 1000).astype(np.int64)
    rows = np.repeat(np.arange(n_series), [len(one) for one in each])[order]
    arrivals, start, told, zeros = Arrivals(rate), 0, 0, np.zeros(len(rows), np.int64)
    arrivals.grow(n_series)
    for end in np.searchsorted(times, np.arange(step, end_s * 1000, step)).tolist():
        arrivals.follow(rows[start:end], zeros[start:end], times[start:end])
        found = arrivals.tick(step)
        arrivals.tell(found.rows)
        start, told = end, told + len(found.rows)
    return told / n_series / weeks


def main() -> None:
    given = [float(each) for each in sys.argv[1:]]
    defaults: list[float] = [10, 30, 300, ALERTS_PER_WEEK]
    weeks, n_series, period_s, rate = given + defaults[len(given) :]
    n, per_week = round(weeks * WEEK_S / period_s), round(WEEK_S / period_s)
    print(
        f"{n_series:g} series of each family, {weeks:g} weeks, a reading each {period_s:g} s, {rate:g} alerts asked for"
    )
    print(f"{'family':14} {'first week':>10} {'then':>7} {'all':>7} {'ratio':>7} {'stuck':>7}")
    for number, (name, make) in enumerate(FAMILIES.items()):
        said, n_stuck = alerts(number, make, int(n_series), n, period_s, rate)
        counted: Floats = said / n_series
        first, then = counted[:per_week].sum(), counted[per_week:].sum() / max(weeks - 1, 1e-9)
        everything, stuck = counted.sum() / weeks, n_stuck / n_series / weeks
        print(
            f"{name:14} {first:10.2f} {then:7.3f} {everything:7.3f} {everything / rate:7.2f} {stuck / rate:7.2f}",
            flush=True,
        )
    print(f"{'arrivals':14} {'missing':>7} {'with nights':>11}")
    for name, gaps in FAMILIES_OF_ARRIVALS.items():
        ratios = [
            missing_of_a_week(gaps, weeks, int(n_series), period_s, rate, nights) / rate for nights in (False, True)
        ]
        print(f"{name:14} {ratios[0]:7.2f} {ratios[1]:11.2f}", flush=True)


if __name__ == "__main__":
    run(main)
