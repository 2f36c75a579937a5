"""The recommenders that can be named."""

from collections.abc import Callable, Sequence

from models.recommend.co_visitation import CoVisitation
from models.recommend.content import ContentBased
from models.recommend.ease import Ease
from models.recommend.factors import Factors
from models.recommend.hybrid import Hybrid
from models.recommend.item_knn import ItemKnn
from models.recommend.popularity import DecayedPopularity
from models.recommend.recommender import Recommender

Words = Sequence[frozenset[str]] | None
"""Of each item, by its number; None where no attributes are known."""


def _hybrid(n_items: int, words: Words) -> Hybrid:
    members: list[Recommender] = [DecayedPopularity(n_items), CoVisitation(n_items), Ease(n_items)]
    return Hybrid(members + ([] if words is None else [ContentBased(words)]))


RECOMMENDERS: dict[str, Callable[[int, Words], Recommender]] = {
    DecayedPopularity.name: lambda n_items, words: DecayedPopularity(n_items),
    CoVisitation.name: lambda n_items, words: CoVisitation(n_items),
    ItemKnn.name: lambda n_items, words: ItemKnn(n_items),
    Ease.name: lambda n_items, words: Ease(n_items),
    Factors.name: lambda n_items, words: Factors(n_items),
    ContentBased.name: lambda n_items, words: ContentBased(words or [frozenset()] * n_items),
    Hybrid.name: _hybrid,
}


def names(words: Words) -> list[str]:
    """Those that can be made: the one of attributes needs attributes."""
    return [name for name in RECOMMENDERS if words is not None or name != ContentBased.name]
