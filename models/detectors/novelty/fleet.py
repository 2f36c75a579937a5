"""The default detector for many series."""

from typing import Any

import numpy as np

from models.detectors.array_fleet import ArrayFleet
from models.detectors.compiled import compiled
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Codes, Column, Floats, SeriesColumns
from models.detectors.novelty.scaling import scale_of, scaled
from models.detectors.novelty.surprise import BINS
from models.detectors.novelty.views import ALL_ROWS, HOLD, PAST, WAITING, score_of, see, strangest

NAME = "novelty"

WARM = 200
"""Readings of a series that set its scale, and get no score."""

COLUMNS = {
    "n": Column(0, np.int64),
    "median": Column(0.0),
    "scale": Column(1.0),
    "slow_mean": Column(0.0, np.float64, 1),
    "moments": Column(0, np.int64, 4),
    "past": Column(0, np.int16, PAST),
    "waiting": Column(0, np.int16, WAITING),
    "steps": Column(0, np.int16, ALL_ROWS),
    "n_rows": Column(0, np.int16, 5),
    "radii": Column(0, np.int64, 5),
    "counts": Column(0.0, np.float32, 5 * BINS),
    "held": Column(0.0, np.float32, 5 * HOLD),
}


@compiled
def judge(
    rows: Array, values: Array, scores: Array, views: Array,
    n: Array, median: Array, scale: Array, slow_mean: Array, moments: Array, past: Array, waiting: Array, steps: Array,
    n_rows: Array, radii: Array, counts: Array, held: Array,
) -> None:  # fmt: skip
    """Write score and strangest view of each reading; see `NoveltyFleet` for the columns."""
    for place in range(len(rows)):
        row, value = rows[place], values[place]
        scores[place], views[place] = np.nan, 0
        if not np.isfinite(value):
            continue
        i = n[row]
        n[row] = i + 1
        if i < WARM:
            warm = steps[row].view(np.float64)  # its dictionaries are empty until the scale is known
            warm[i] = value
            if i + 1 < WARM:
                continue
            begun = warm[:WARM].copy()
            steps[row][:] = 0
            median[row], scale[row] = scale_of(begun)
            for j in range(WARM):
                see(
                    j, scaled(begun[j], median[row], scale[row]), past[row], waiting[row], moments[row],
                    slow_mean[row], steps[row], n_rows[row], radii[row], counts[row], held[row],
                )  # fmt: skip
            continue
        see(
            i, scaled(value, median[row], scale[row]), past[row], waiting[row], moments[row],
            slow_mean[row], steps[row], n_rows[row], radii[row], counts[row], held[row],
        )  # fmt: skip
        scores[place], views[place] = score_of(held[row]), strangest(held[row])


class NoveltyFleet(ArrayFleet):
    """x"""

    version = 1

    def __init__(self) -> None:
        super().__init__(NAME, [], SeriesColumns(**COLUMNS))

    def step(self, rows: Rows, values: Floats) -> Floats:
        return self.step_with_views(rows, values)[0]

    def step_with_views(self, rows: Rows, values: Floats) -> tuple[Floats, Codes]:
        scores, views = np.empty(len(rows)), np.empty(len(rows), np.int8)
        columns: list[Any] = [self._series[name] for name in COLUMNS]
        judge(rows, values, scores, views, *columns)
        return scores, views

    def learn(self, rows: Rows, values: Floats) -> None:
        self.step(rows, values)
