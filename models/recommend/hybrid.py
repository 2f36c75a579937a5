"""A blend of other recommenders, whose weights are learned from what users then took."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from models.recommend.history import History
from models.recommend.linear_form import FLOOR, Part
from models.recommend.recommender import Floats, Recommender


class Hybrid(Recommender):
    """score = sum over parts of weight * log(FLOOR + s / max s), s the part's score of the item, negative ones as 0.

    The weights are those of a conditional logit over all unseen items, and are moved a step (AdaGrad) before the
    parts learn. There are two sets: while a user is active, what goes with the last items says most; a user who
    returns begins with something else. A part that knows nothing of a history scores all items alike, and has
    no say: a cold user gets what is popular.

    Parameters
    ----------
    members
        Of one part each, and of the same items.
    every
        Of the interactions of active users, how many go by for one that moves the weights; of a return, each does.
    """

    name: ClassVar[str] = "hybrid"

    def __init__(self, members: Sequence[Recommender], every: int = 5, step: float = 0.05) -> None:
        super().__init__(members[0].n_items)
        self.members = tuple(members)
        self._every, self._step = every, step
        self._n_learned = 0
        self._weights = np.full((2, len(members)), 0.5)
        self._squares = np.full((2, len(members)), 1e-3)

    @property
    def weights(self) -> Floats:
        return self._weights

    def learn(self, history: History, item: int, time_s: float) -> None:
        self._n_learned += 1
        if (history.has_returned or self._n_learned % self._every == 0) and item not in history.items:
            self._move_weights(history, item)
        for member in self.members:
            member.learn(history, item, time_s)

    def refit(self) -> None:
        for member in self.members:
            member.refit()

    def score(self, history: History) -> Floats:
        scores: Floats = self._weights[int(history.has_returned)] @ self._features(history)
        return scores

    def parts(self) -> tuple[Part, ...]:
        return tuple(part for member in self.members for part in member.parts())

    def _features(self, history: History) -> Floats:
        """Shape `(n_members, n_items)`."""
        scores = np.maximum([member.score(history) for member in self.members], 0.0)
        largest = scores.max(axis=1, keepdims=True)
        features: Floats = np.log(FLOOR + scores / np.where(largest > 0, largest, 1.0))
        return features

    def _move_weights(self, history: History, item: int) -> None:
        features, which = self._features(history), int(history.has_returned)
        chances = np.exp(self._weights[which] @ features)
        chances[history.items] = 0.0
        gradient = features[:, item] - features @ (chances / chances.sum())
        self._squares[which] += gradient**2
        moved = self._weights[which] + self._step * gradient / np.sqrt(self._squares[which])
        self._weights[which] = np.maximum(moved, 0.0)
