"""Item kNN: cosine of the sets of histories that hold two items."""

from typing import ClassVar

import numpy as np

from models.recommend.co_occurrence import CoOccurrence
from models.recommend.linear_form import Float32s


class ItemKnn(CoOccurrence):
    """cos(i, j) = both / (sqrt(n_i n_j) + shrinkage), of each item's nearest `neighbours` only."""

    name: ClassVar[str] = "item-knn"

    def __init__(
        self, n_items: int, neighbours: int = 100, shrinkage: float = 20.0, reach: int = 30, decay: float = 0.9
    ) -> None:
        super().__init__(n_items, reach, decay)
        self._neighbours, self._shrinkage = min(neighbours, n_items), shrinkage

    def _made(self, counts: Float32s) -> Float32s:
        root = np.sqrt(np.diag(counts))
        table: Float32s = counts / (np.outer(root, root) + np.float32(self._shrinkage))
        np.fill_diagonal(table, 0.0)
        nearest = -np.partition(-table, self._neighbours - 1, axis=1)[:, self._neighbours - 1, None]
        return np.where(table >= nearest, table, np.float32(0))
