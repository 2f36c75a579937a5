"""The default detector for many series."""

from typing import Any

import numpy as np

from models.detectors.array_fleet import ArrayFleet
from models.detectors.compiled import compiled
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Codes, Column, Floats, SeriesColumns
from models.detectors.novelty.rescaling import LATELY, rescale, scale_of_late, stride
from models.detectors.novelty.scaling import scale_of, scaled
from models.detectors.novelty.surprise import BINS
from models.detectors.novelty.views import ALL_ROWS, HOLD, PAST, WAITING, is_of_spread, score_of, see, strangest
from schemas.anomaly_kind import AnomalyKind

NAME = "novelty"

_KINDS = np.array(
    [
        AnomalyKind.SPIKE,
        AnomalyKind.SHAPE,
        AnomalyKind.LEVEL,
        AnomalyKind.LEVEL,
        AnomalyKind.DRIFT,
        AnomalyKind.VARIANCE,
    ],
    np.int8,
)
"""Of the views, and of `OF_SPREAD`."""

OF_SPREAD = 5
"""In place of a view whose spread differs more than its mean."""

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
    "lately": Column(0, np.int16, LATELY),
    "n_lately": Column(0, np.int16),
    "until_late": Column(0, np.int32),
}


@compiled
def judge(
    rows: Array, values: Array, scores: Array, views: Array,
    n: Array, median: Array, scale: Array, slow_mean: Array, moments: Array, past: Array, waiting: Array, steps: Array,
    n_rows: Array, radii: Array, counts: Array, held: Array, lately: Array, n_lately: Array, until_late: Array,
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
        until_late[row] -= 1
        if until_late[row] <= 0:
            until_late[row] = stride(i)
            lately[row][n_lately[row]] = past[row][i % PAST]
            n_lately[row] += 1
            if n_lately[row] == LATELY:
                n_lately[row] = 0
                is_due, new_median, new_scale = scale_of_late(lately[row], median[row], scale[row])
                if is_due:
                    rescale(
                        i, median[row], scale[row], new_median, new_scale, past[row], waiting[row], moments[row],
                        slow_mean[row], steps[row], n_rows[row], radii[row], counts[row],
                    )  # fmt: skip
                    median[row], scale[row] = new_median, new_scale
        scores[place], view = score_of(held[row]), strangest(held[row])
        if scores[place] >= 1.0 and is_of_spread(i, view, waiting[row], steps[row], n_rows[row]):
            view = OF_SPREAD
        views[place] = view


class NoveltyFleet(ArrayFleet):
    """How new each reading is to its own series: surprises in decades of five small views, averaged.

    * The first 200 readings set the scale (`scaling`) and are then learned; they have no score.
    * Five views of the last readings (`views`) are compared with what each view has shown before, of which at most 64
      rows are kept (`dictionary`): the distance from the nearest is its novelty.
    * How rare so large a distance is among those before makes it a surprise (`surprise`).

    A series is 3.4 kB.

    Examples
    --------
    >>> fleet = NoveltyFleet()
    >>> fleet.grow(1)
    >>> scores = fleet.step(np.zeros(601, np.int64), np.append(np.sin(np.arange(600)), 3.0))
    >>> np.isnan(scores).sum(), scores[300:600].max() < 1.5, scores[600] > 2
    (np.int64(200), np.True_, np.True_)
    """

    version = 1

    def __init__(self) -> None:
        super().__init__(NAME, [], SeriesColumns(**COLUMNS))

    def step(self, rows: Rows, values: Floats) -> Floats:
        return self.step_with_kinds(rows, values)[0]

    def step_with_kinds(self, rows: Rows, values: Floats) -> tuple[Floats, Codes]:
        scores, views = np.empty(len(rows)), np.empty(len(rows), np.int8)
        columns: list[Any] = [self._series[name] for name in COLUMNS]
        judge(rows, values, scores, views, *columns)
        return scores, _KINDS[views]

    def learn(self, rows: Rows, values: Floats) -> None:
        self.step(rows, values)
