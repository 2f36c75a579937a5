"""Models that score by one table: what each item says for each other, the newest of a history counting most."""

import numpy as np

from models.recommend.history import History
from models.recommend.linear_form import Float32s, Part, recency
from models.recommend.recommender import Floats, Recommender


class ItemSimilarity(Recommender):
    """Scores with the rows of `table` that belong to the history.

    Parameters
    ----------
    table
        Shape `(n_items, n_items)`, zeros in the diagonal.
    reach, decay
        Of the history that a score looks at: a recency-weighted history tells more of what comes next than a set.
    """

    def __init__(self, table: Float32s, reach: int, decay: float) -> None:
        super().__init__(len(table))
        self._reach, self._decay = reach, decay
        self._recency = recency(reach, decay)
        self._table = table

    def score(self, history: History) -> Floats:
        recent = history.items[-self._reach :]
        scores: Floats = self._recency[self._reach - len(recent) :] @ self._table[recent]
        return scores

    def parts(self) -> tuple[Part, ...]:
        return (Part(np.zeros(self.n_items, np.float32), self._table, self._reach, self._decay),)
