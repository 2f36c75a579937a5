"""The shape that all half-space trees of a fleet share, seen as cells of one axis."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from river import anomaly

from models.detectors.growable_arrays import Floats, Integers


@dataclass(frozen=True)
class TreeCells:
    """Every threshold of every tree, merged into one sorted axis.

    With a single feature a node of a half-space tree is an interval of that feature, so all trees together
    cut the axis in cells, and the cell of a value says which path it takes in each tree: one binary search
    replaces the walks. A node is the half-open range of cells `begin <= cell < end`.

    Parameters
    ----------
    cuts
        Shape `(n_cells - 1,)`, ascending.
    begin, end, parent
        Shape `(n_nodes,)`, over all trees. A root is its own parent.
    weight
        Shape `(n_nodes,)`: 2 ** depth.
    """

    cuts: Floats
    begin: Integers
    end: Integers
    parent: Integers
    weight: Floats

    @property
    def n_cells(self) -> int:
        return len(self.cuts) + 1

    def cells(self, scaled: Floats) -> Integers:
        """The cell of each value, shape `(n,)`. A value equal to a threshold goes right, as in River."""
        return np.searchsorted(self.cuts, scaled, side="right")


@cache
def tree_cells(n_trees: int, height: int, seed: int) -> TreeCells:
    """The cells of the trees that River grows from `seed` for one feature in [0, 1].

    Examples
    --------
    >>> tree_cells(n_trees=10, height=8, seed=42).n_cells
    2551
    """
    river_trees: Any = anomaly.HalfSpaceTrees(n_trees=n_trees, height=height, seed=seed)
    river_trees.learn_one({"value": 0.5})  # River grows its trees at the first reading
    nodes: list[_Node] = []
    for root in river_trees.trees:
        _collect(root, (-np.inf, np.inf, 0, len(nodes)), nodes)
    low, high, depth, parent = (np.array(column) for column in zip(*nodes, strict=True))
    cuts = np.unique(low[np.isfinite(low)])  # every threshold is the lower end of a right child
    return TreeCells(cuts, _first_cell(cuts, low), _first_cell(cuts, high), parent, 2.0**depth)


_Node = tuple[float, float, int, int]
"""Lower end, upper end, depth, place of the parent."""


def _collect(river_node: Any, node: _Node, nodes: list[_Node]) -> None:
    """Append `node` and everything below it to `nodes`."""
    low, high, depth, _ = node
    place = len(nodes)
    nodes.append(node)
    if hasattr(river_node, "threshold"):  # a leaf has none
        left, right = river_node.children
        _collect(left, (low, river_node.threshold, depth + 1, place), nodes)
        _collect(right, (river_node.threshold, high, depth + 1, place), nodes)


def _first_cell(cuts: Floats, bounds: Floats) -> Integers:
    """The first cell at or above each bound; one past the last cell for an infinite upper end."""
    cells = np.searchsorted(cuts, bounds, side="right")
    return np.where(bounds == np.inf, len(cuts) + 1, cells)
