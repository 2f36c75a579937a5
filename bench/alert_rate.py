"""How many alerts series without anomalies have, against how many were asked for.

    python -m bench.alert_rate [weeks of readings] [series of each family] [seconds between readings] [alerts per week]

Scores each family of `bench/synthetic_series.py` with the default detector, and prints alerts of a series and week: of
the first week, of the others, of all; and at last the ratio of these to what was asked for.
"""

import sys

import numpy as np

from bench.command_line import run
from bench.synthetic_series import FAMILIES, Family
from models.detectors import ALERTS_PER_WEEK, DEFAULT, Batch, Scorer
from models.detectors.growable_arrays import Integers

WEEK_S = 7 * 24 * 3600


def alerts(family: int, make: Family, n_series: int, n: int, period_s: float, rate: float) -> Integers:
    """How many alerts each reading was, over all series; shape `(n,)`."""
    counted = np.zeros(n, np.int64)
    times, zeros, numbers = (np.arange(n) * period_s * 1000).astype(np.int64), np.zeros(n, np.int64), np.arange(n)
    scorer = Scorer(DEFAULT, alerts_per_week=rate)
    for series in range(n_series):
        values = make(np.random.default_rng([family, series]), n, period_s)
        keys = [(f"series-{series}", "value")] * n
        scored = scorer.step(Batch(keys, times, values, zeros, numbers, zeros))
        counted += scored.episodes == times
    return counted


def main() -> None:
    given = [float(each) for each in sys.argv[1:]]
    defaults: list[float] = [10, 30, 300, ALERTS_PER_WEEK]
    weeks, n_series, period_s, rate = given + defaults[len(given) :]
    n, per_week = round(weeks * WEEK_S / period_s), round(WEEK_S / period_s)
    print(
        f"{n_series:g} series of each family, {weeks:g} weeks, a reading each {period_s:g} s, {rate:g} alerts asked for"
    )
    print(f"{'family':14} {'first week':>10} {'then':>7} {'all':>7} {'ratio':>7}")
    for number, (name, make) in enumerate(FAMILIES.items()):
        counted = alerts(number, make, int(n_series), n, period_s, rate) / n_series
        first, then = counted[:per_week].sum(), counted[per_week:].sum() / max(weeks - 1, 1e-9)
        everything = counted.sum() / weeks
        print(f"{name:14} {first:10.2f} {then:7.3f} {everything:7.3f} {everything / rate:7.2f}", flush=True)


if __name__ == "__main__":
    run(main)
