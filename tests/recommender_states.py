"""What recommender states are stored of: interactions of whole numbers, learned with a model that always answers alike.

A snapshot has learned the interactions before N_SNAPSHOT, and an entry of the journal those before N_JOURNAL.
"""

from models.recommend.online.recommender import LiveRecommender
from tests.unit.models.recommend.live_batches import Model, Sent, Shop, tells, took

N_SNAPSHOT, N_JOURNAL, N = 600, 660, 800
OFFERS = {100: ("item3", False), 101: ("item4", False), 620: ("item4", True), 700: ("item5", False)}
MAX_USERS, MAX_ITEMS = 20, 40


def records(start: int, end: int) -> list[Sent]:
    """Every tenth comes late. Users and items are more than the bounds: those of the rest come seldom."""
    return [tells(*OFFERS[n]) if n in OFFERS else _taken(n) for n in range(start, end)]


def _taken(n: int) -> Sent:
    late_s = 1500 if n % 10 == 7 else 0
    mixed = n * 7919 % 1009
    user = 15 + n // 12 % 8 if n % 12 == 0 else mixed % 15
    item = 30 + n // 9 % 17 if n % 9 == 0 else (n // 40 + mixed % 11) % 30
    return took(f"user{user}", f"item{item}", 40 * n - late_s, appended_s=40 * n)


def shop() -> Shop:
    """One that knows nothing yet, with the bounds of the stored ones."""
    return Shop(LiveRecommender(MAX_USERS, MAX_ITEMS, history=30), Model("item1", "item2", "elsewhere"))


def snapshot() -> bytes:
    """A frozen LiveRecommender."""
    learned = shop()
    learned.step(*records(0, N_SNAPSHOT))
    return learned.live.snapshot()


def journal() -> bytes:
    """An entry of the journal, with answers of the model."""
    learned = shop()
    learned.step(*records(0, N_SNAPSHOT))
    learned.step(*records(N_SNAPSHOT, N_JOURNAL))
    assert learned.steps[-1].chosen, "no answer of a model in it"
    return learned.journal[-1]
