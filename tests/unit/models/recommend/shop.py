"""Small tables of interactions whose answers are known."""

import numpy as np
import pandas as pd

from models.recommend.history import History
from models.recommend.interactions import Interactions

DAY_S = 86_400.0


def interactions(rows):
    """Of (user, item, seconds)."""
    users, items, times = zip(*rows, strict=True)
    return Interactions.of(pd.Series(users), pd.Series(items), np.array(times, np.float64))


def history(*items, idle_s=60.0):
    return History(np.array(items, np.int64), idle_s if items else np.inf)


def chains(n_users=60, n_chains=5, length=8, seed=1):
    """Every user walks along one chain of items, from its begin or its middle, to its end or nearly: easy to go on."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        chain, start, begin_s = rng.integers(n_chains), rng.integers(2), rng.uniform(0, 30 * DAY_S)
        places = range(start * 3, length - rng.integers(3))
        rows += [(f"user{user:03}", f"item{chain}-{place}", begin_s + 10 * place) for place in places]
    return interactions(rows)


def noise(n_users=120, n_items=200, n_each=10, seed=2):
    """Every item is as likely as any other, at any time."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"user{user}", f"item{item}", rng.uniform(0, 30 * DAY_S))
        for user in range(n_users)
        for item in rng.choice(n_items, n_each, replace=False)
    ]
    return interactions(rows)


def words(events):
    """Each item's chain."""
    return [frozenset({f"chain:{name.split('-')[0]}"}) for name in events.item_names]
