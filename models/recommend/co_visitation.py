"""Items that are taken shortly after one another, counted as it happens."""

from typing import ClassVar

import numpy as np

from models.recommend.history import History
from models.recommend.linear_form import Part, recency
from models.recommend.recommender import Floats, Recommender


class CoVisitation(Recommender):
    """Adds decay^distance to each pair of an item and one of the `window` items before it, in both directions.

    A pair's count is divided by powers of how often its two items were taken: without it, what everybody takes
    goes with everything. An interaction costs two rows of `window` additions. The table is dense: 4 n_items² bytes.

    Parameters
    ----------
    window, window_decay
        Of the learning.
    reach, decay
        Of the history that a score looks at.
    damp_from, damp_to
        The powers, of the item in the history and of the item that is scored.
    """

    name: ClassVar[str] = "co-visitation"

    def __init__(
        self,
        n_items: int,
        window: int = 20,
        window_decay: float = 0.9,
        reach: int = 10,
        decay: float = 0.8,
        damp_from: float = 0.7,
        damp_to: float = 0.4,
    ) -> None:
        super().__init__(n_items)
        self._window, self._reach, self._decay = window, reach, decay
        self._damp_from, self._damp_to = damp_from, damp_to
        self._distance_weights = recency(window, window_decay)
        self._recency = recency(reach, decay)
        self._pairs = np.zeros((n_items, n_items), np.float32)
        self._from = np.ones(n_items, np.float32)
        self._to = np.ones(n_items, np.float32)
        self._counts = np.zeros(n_items, np.int64)

    def learn(self, history: History, item: int, time_s: float) -> None:
        before = history.items[-self._window :]
        weights = self._distance_weights[self._window - len(before) :]
        self._pairs[item, before] += weights
        self._pairs[before, item] += weights
        self._counts[item] += 1
        self._from[item] = (1.0 + self._counts[item]) ** -self._damp_from
        self._to[item] = (1.0 + self._counts[item]) ** -self._damp_to

    def score(self, history: History) -> Floats:
        recent = history.items[-self._reach :]
        weights = self._recency[self._reach - len(recent) :] * self._from[recent]
        scores: Floats = (weights @ self._pairs[recent]) * self._to
        return scores

    def parts(self) -> tuple[Part, ...]:
        table = self._pairs * self._from[:, None] * self._to
        return (Part(np.zeros(self.n_items, np.float32), table, self._reach, self._decay),)
