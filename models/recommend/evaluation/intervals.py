"""How far a figure may be off: bootstrap over users, whose lists are not independent of one another."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.recommend.evaluation.lists import Lists

N_RESAMPLES = 1_000
INTERVAL = (2.5, 97.5)


class Interval(NamedTuple):
    """A figure with its 95 % interval."""

    figure: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.figure:.4f} [{self.low:.4f}, {self.high:.4f}]"


def mean(lists: Lists, figure: str, seed: int = 7) -> Interval:
    """Mean of a figure over all lists, users drawn with replacement."""
    sums, sizes = _by_user(lists, figure)
    drawn = _draws(len(sizes), seed)
    return _interval(sums.sum() / sizes.sum(), (drawn @ sums) / (drawn @ sizes))


def ratio(lists: Lists, others: Lists, figure: str, seed: int = 7) -> Interval:
    """Of two models' means on the same lists: both are drawn with the same users.

    Raises
    ------
    ValueError
        The lists are of other users.
    """
    if lists.users != others.users:
        raise ValueError("Two models can be compared on the same lists only")
    ours, sizes = _by_user(lists, figure)
    theirs, _ = _by_user(others, figure)
    drawn = _draws(len(sizes), seed)
    return _interval(ours.sum() / theirs.sum(), (drawn @ ours) / (drawn @ theirs))


def _by_user(lists: Lists, figure: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum and number of each user's lists."""
    _, places = np.unique(lists.users, return_inverse=True)
    sums, sizes = np.bincount(places, weights=getattr(lists, figure)), np.bincount(places)
    return sums.astype(np.float64), sizes.astype(np.float64)


def _draws(n_users: int, seed: int) -> npt.NDArray[np.int64]:
    """How often each user is drawn. Shape `(N_RESAMPLES, n_users)`."""
    return np.random.default_rng(seed).multinomial(n_users, np.full(n_users, 1 / n_users), N_RESAMPLES)


def _interval(figure: float, resampled: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(resampled[np.isfinite(resampled)], INTERVAL)
    return Interval(float(figure), float(low), float(high))
