"""What came of each list that a model was asked for."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.recommend.history import History, Items
from models.recommend.recommender import Floats

CUTOFF = 10
DISCOUNTS = 1 / np.log2(np.arange(2, CUTOFF + 2))
FIGURES = ("recall", "hr", "ndcg", "mrr")


def ranks(scores: Floats, seen: Items, wanted: Items) -> Items:
    """Of the wanted items among all that are not seen, 0 the best. An item stands behind all that score the same.

    So a model that scores all items alike gains nothing. NaN is no score: the item is last.

    >>> ranks(np.array([.5, .9, .5, .1]), seen=np.array([1]), wanted=np.array([0, 3])).tolist()
    [1, 2]
    """
    usable = np.where(np.isnan(scores), -np.inf, scores)
    rest = np.delete(usable, seen)
    return np.array([np.count_nonzero(rest >= usable[item]) - 1 for item in wanted], np.int64)


def best(scores: Floats, seen: Items) -> Items:
    """The CUTOFF best of the unseen items, in no order."""
    left = np.where(np.isnan(scores), -np.inf, scores).astype(np.float64)
    left[seen] = -np.inf
    k = min(CUTOFF, len(left) - len(seen))
    return np.argpartition(-left, k - 1)[:k] if k > 0 else np.zeros(0, np.int64)


@dataclass
class Lists:
    """Of one model in one protocol: a row for each list, in columns.

    Parameters
    ----------
    shown
        How often each item stood in a list. Shape `(n_items,)`.
    novelties
        Mean over a list of -log2 of the share of interactions so far that its items have; bits.
    popularities
        Mean over a list of the share of items that are less popular so far; 1 is the most popular item alone.
    cold_users, cold_items
        Whether the list was for a user without history; whether all that was wanted had never been taken before.
    """

    shown: Items
    users: list[int] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    hr: list[float] = field(default_factory=list)
    ndcg: list[float] = field(default_factory=list)
    mrr: list[float] = field(default_factory=list)
    novelties: list[float] = field(default_factory=list)
    popularities: list[float] = field(default_factory=list)
    cold_users: list[bool] = field(default_factory=list)
    cold_items: list[bool] = field(default_factory=list)

    def add(self, user: int, history: History, wanted: Items, scores: Floats, counts: Items) -> None:
        """A list's outcome. `counts`: interactions of each item before the list was made."""
        found = np.sort(ranks(scores, history.items, wanted))
        places = found[found < CUTOFF]
        self.users.append(user)
        self.recall.append(len(places) / len(wanted))
        self.hr.append(float(len(places) > 0))
        self.ndcg.append(float(DISCOUNTS[places].sum() / DISCOUNTS[: len(wanted)].sum()))
        self.mrr.append(1 / (1 + float(found[0])))
        self.cold_users.append(len(history.items) == 0)
        self.cold_items.append(not counts[wanted].any())
        self._add_list(best(scores, history.items), counts)

    def _add_list(self, listed: Items, counts: Items) -> None:
        self.shown[listed] += 1
        share = (counts[listed] + 1) / (counts.sum() + len(counts))
        self.novelties.append(float(-np.log2(share).mean()))
        less_popular = np.count_nonzero(counts < counts[listed, None], axis=1)
        self.popularities.append(float(less_popular.mean() / len(counts)))

    def where(self, chosen: npt.NDArray[np.bool_]) -> dict[str, float]:
        """Means over the chosen lists; NaN where there is none."""
        return {name: _mean(np.array(getattr(self, name))[chosen]) for name in FIGURES}

    def figures(self) -> dict[str, float]:
        """Means over all lists; coverage: the share of items that stood in one."""
        everything = np.full(len(self.users), True)
        return self.where(everything) | {
            "coverage": float(np.count_nonzero(self.shown) / len(self.shown)),
            "novelty_bits": _mean(np.array(self.novelties)),
            "popularity_bias": _mean(np.array(self.popularities)),
        }


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
