"""What everybody takes, the last days counting most."""

import math
from typing import ClassVar

import numpy as np

from models.recommend.history import History
from models.recommend.linear_form import Part
from models.recommend.recommender import Floats, Recommender

DAY_S = 86_400.0
MAX_EXPONENT = 500.0


class DecayedPopularity(Recommender):
    """Counts that halve in `half_life_s`.

    All counts decay alike, so none is touched but the one that grows: a new interaction weighs more instead
    (forward decay [1]_), and everything is divided before the weights are too large.

    References
    ----------
    .. [1] G. Cormode et al., Forward decay: a practical time decay model for streaming systems, ICDE 2009.
    """

    name: ClassVar[str] = "popularity"

    def __init__(self, n_items: int, half_life_s: float = 7 * DAY_S) -> None:
        super().__init__(n_items)
        self._rate = math.log(2) / half_life_s
        self._origin_s: float | None = None
        self._counts = np.zeros(n_items)

    def learn(self, history: History, item: int, time_s: float) -> None:
        if self._origin_s is None:
            self._origin_s = time_s
        exponent = self._rate * (time_s - self._origin_s)
        if exponent > MAX_EXPONENT:
            self._counts *= math.exp(-exponent)
            self._origin_s, exponent = time_s, 0.0
        self._counts[item] += math.exp(exponent)

    def score(self, history: History) -> Floats:
        return self._counts

    def parts(self) -> tuple[Part, ...]:
        """Scaled to a largest count of 1: float32 does not hold the weights of forward decay."""
        return (Part((self._counts / max(float(self._counts.max()), 1e-300)).astype(np.float32)),)
