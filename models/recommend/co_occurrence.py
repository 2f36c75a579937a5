"""Models made of one matrix: how many histories hold both of two items."""

from abc import abstractmethod

import numpy as np

from models.recommend.history import History
from models.recommend.item_similarity import ItemSimilarity
from models.recommend.linear_form import Float32s


class CoOccurrence(ItemSimilarity):
    """Counts at each interaction; `refit` makes the table of the counts."""

    def __init__(self, n_items: int, reach: int, decay: float) -> None:
        super().__init__(np.zeros((n_items, n_items), np.float32), reach, decay)
        self._counts: Float32s = np.zeros((n_items, n_items), np.float32)

    def learn(self, history: History, item: int, time_s: float) -> None:
        if item in history.items:
            return
        self._counts[item, history.items] += 1
        self._counts[history.items, item] += 1
        self._counts[item, item] += 1

    def refit(self) -> None:
        self._table = self._made(self._counts)

    @abstractmethod
    def _made(self, counts: Float32s) -> Float32s:
        """The table, of the counts. Shape `(n_items, n_items)`, zeros in the diagonal."""
