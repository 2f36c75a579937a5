"""Half-space trees for many series at once, in numpy, with the scores of River's objects."""

from typing import Any

import numpy as np
import numpy.typing as npt

from models.detectors.array_fleet import ArrayFleet
from models.detectors.fleet import Rows
from models.detectors.grouping import all_distinct, ranks
from models.detectors.growable_arrays import Column, Flags, Floats, Integers, SeriesColumns
from models.detectors.tree_cells import TreeCells, tree_cells

_NO_REFERENCE = -1
"""In place of a cell: the series has not filled a window yet."""


class HalfSpaceTreesFleet(ArrayFleet):
    """One `MinMaxScaler() | HalfSpaceTrees()` a series [1]_, equal to River's score for score.

    Three facts about a single feature make it cheap:

    * all trees together cut the feature's axis in cells, and a reading's cell is all that it tells the trees;
    * masses only matter when the window is full, so learning is to note the cell in the window;
    * between two windows the score depends on the cell only, so it is worked out once for every cell.

    Parameters
    ----------
    n_trees, height, window_size, seed
        As River's `HalfSpaceTrees`. All series share the trees that grow from `seed`, as they would in
        River with one seed; only what they learn differs.

    References
    ----------
    .. [1] S. C. Tan, K. M. Ting and T. F. Liu, Fast Anomaly Detection for Streaming Data, IJCAI 2011.

    Examples
    --------
    >>> fleet = HalfSpaceTreesFleet(window_size=100)
    >>> fleet.grow(1)
    >>> readings = np.append(np.random.default_rng(1).normal(20, 2, 200), [20.0, 40.0])
    >>> scores = fleet.step(np.zeros(202, np.int64), readings)
    >>> scores[:100].any()  # River's, too, is 0 until the first window is full
    np.False_
    >>> scores[200:].round(3)
    array([0.917, 0.994])
    """

    version = 1

    compressed = True

    def __init__(self, n_trees: int = 10, height: int = 8, window_size: int = 250, seed: int = 42) -> None:
        self.window_size = window_size
        self._trees: TreeCells = tree_cells(n_trees, height, seed)
        self._max_total = n_trees * window_size * (2 ** (height + 1) - 1)
        # 11.2 kB a series with River's defaults. The largest total is a score of 0, which is what River gives before
        # the first window is full.
        columns = {
            "low": Column(np.inf),
            "high": Column(-np.inf),
            "n_in_window": Column(0, np.int16),
            "window": Column(0, np.int16, window_size),
            "reference": Column(_NO_REFERENCE, np.int16, window_size),
            "totals": Column(self._max_total, np.uint32, self._trees.n_cells, is_derived=True),
        }
        super().__init__("half-space-trees", [n_trees, height, window_size, seed], SeriesColumns(**columns))

    def step(self, rows: Rows, values: Floats) -> Floats:
        scores = np.empty(len(rows))
        self._pass(rows, values, scores)
        return scores

    def learn(self, rows: Rows, values: Floats) -> None:
        self._pass(rows, values, None)

    def _pass(self, rows: Rows, values: Floats, scores: Floats | None) -> None:
        """Learn the readings in stretches, and score each stretch first where `scores` is given."""
        if all_distinct(rows):
            return self._stretch(rows, values, scores, slice(None), 0)
        order = np.argsort(rows, kind="stable")
        while len(order):
            inside, rank = self._next_stretch(rows[order], values[order])
            now = order[inside]
            self._stretch(rows[now], values[now], scores, now, rank[inside])
            order = order[~inside]

    def _next_stretch(self, rows: Rows, values: Floats) -> tuple[Flags, Rows]:
        """Which readings come before their series changes its scale or its scores, the one that does it included.

        `rows` is sorted. Up to there a series' readings need not wait for each other.
        """
        rank = ranks(rows)
        changes = (values < self._series["low"][rows]) | (values > self._series["high"][rows])
        changes |= self._series["n_in_window"][rows] + rank == self.window_size - 1
        earlier: Integers = np.cumsum(changes) - changes
        return earlier == earlier[np.arange(len(rows)) - rank], rank

    def _stretch(
        self, rows: Rows, values: Floats, scores: Floats | None, places: slice | Rows, rank: Rows | int
    ) -> None:
        """Score and learn readings of which only the last one of a series may change its scale or fill its window."""
        low, high = self._series["low"][rows], self._series["high"][rows]
        cells = self._cells(values, low, high)
        if scores is not None:
            scores[places] = 1 - self._series["totals"][rows, cells] / self._max_total
        outside = np.flatnonzero((values < low) | (values > high))
        if len(outside):
            cells[outside] = self._widen(rows[outside], values[outside])
        self._note(rows, cells, rank)

    def _cells(self, values: Floats, low: Floats, high: Floats) -> Integers:
        scaled = np.zeros(len(values))  # River scales to 0 where there is no span yet
        with np.errstate(over="ignore", invalid="ignore"):  # at the ends of what a float holds, as in River
            span = high - low
            np.divide(values - low, span, out=scaled, where=span > 0)
        return self._trees.cells(scaled)

    def _widen(self, rows: Rows, values: Floats) -> Integers:
        """Take new extremes into the scale; returns the cells of these readings on the new scale."""
        low = self._series["low"][rows] = np.minimum(self._series["low"][rows], values)
        high = self._series["high"][rows] = np.maximum(self._series["high"][rows], values)
        return self._cells(values, low, high)

    def _note(self, rows: Rows, cells: Integers, rank: Rows | int) -> None:
        """Write the cells into the windows and turn those that are full."""
        places = self._series["n_in_window"][rows] + rank
        self._series["window"][rows, places] = cells
        self._series["n_in_window"][rows] = places + 1  # of a repeated row the last, highest one stays
        for row in rows[places == self.window_size - 1].tolist():
            self._series["n_in_window"][row] = 0
            self._series["reference"][row] = self._series["window"][row]
            self._series["totals"][row] = self._cell_totals(self._series["reference"][row])

    def _cell_totals(self, window: npt.NDArray[np.int16]) -> Floats:
        """For each cell the sum of mass * 2 ** depth along its paths, shape `(n_cells,)`.

        A path ends below the first node that holds less than a tenth of the window (section 3 of the paper).
        """
        trees = self._trees
        below = np.zeros(trees.n_cells + 1, np.int64)  # readings below each cell
        np.cumsum(np.bincount(window, minlength=trees.n_cells), out=below[1:])
        mass = below[trees.end] - below[trees.begin]
        on_a_path = np.flatnonzero((mass[trees.parent] >= 0.1 * self.window_size) & (mass > 0))
        added = mass[on_a_path] * trees.weight[on_a_path]
        rises = np.bincount(trees.begin[on_a_path], added, minlength=trees.n_cells + 1)
        falls = np.bincount(trees.end[on_a_path], added, minlength=trees.n_cells + 1)
        return np.cumsum(rises - falls)[:-1]

    def _called(self, parameters: list[Any]) -> str:
        return f"trees {parameters}"

    def _derive(self, start: int, end: int) -> None:
        series = self._series
        for row in (start + np.flatnonzero(series["reference"][start:end, 0] != _NO_REFERENCE)).tolist():
            series["totals"][row] = self._cell_totals(series["reference"][row])
