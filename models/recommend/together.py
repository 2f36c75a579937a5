"""Models made of one matrix: how many histories hold both of two items."""

from abc import abstractmethod

import numpy as np

from models.recommend.history import History
from models.recommend.parts import Float32s, Part, recency
from models.recommend.recommender import Floats, Recommender


class Together(Recommender):
    """Counts at each interaction; `refit` makes the table of the counts.

    Parameters
    ----------
    reach, decay
        Of the history that a score looks at: a recency-weighted history tells more of what comes next than a set.
    """

    def __init__(self, n_items: int, reach: int, decay: float) -> None:
        super().__init__(n_items)
        self._reach, self._decay = reach, decay
        self._recency = recency(reach, decay)
        self._counts = np.zeros((n_items, n_items), np.float32)
        self._table: Float32s = np.zeros((n_items, n_items), np.float32)

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

    def score(self, history: History) -> Floats:
        recent = history.items[-self._reach :]
        scores: Floats = self._recency[self._reach - len(recent) :] @ self._table[recent]
        return scores

    def parts(self) -> tuple[Part, ...]:
        return (Part(np.zeros(self.n_items, np.float32), self._table, self._reach, self._decay),)
