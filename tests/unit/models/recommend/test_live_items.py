"""What LiveItems keeps up with each interaction is what it would be if it were made anew."""

import random

import numpy as np
import pytest

from models.recommend.online.items import WEEK_MS, LiveItems
from tests.unit.models.recommend.live_batches import T

MOST = 400
"""More than the room at the beginning, so that it grows."""


def made_anew(items):
    """One that knows the counts and nothing that follows from them."""
    copy = LiveItems(MOST)
    copy.load(items.names, items.free, {name: array.copy() for name, array in items.arrays().items()})
    return copy


def steps(items, draw):
    """Interactions over some weeks, with items that are dropped now and then."""
    time_ms = T
    for n in range(3_000):
        name = f"item{int(draw.paretovariate(0.3)) % 390}"
        number = items.numbers.get(name)
        items.learn(items.add(name) if number is None else number, [], [], time_ms)
        time_ms += draw.randrange(int(WEEK_MS / 200))
        if n % 500 == 250:
            items.drop(items.least_popular(20))
        yield n


@pytest.mark.parametrize("largest", [0.1, 1.0])
def test_popularity_is_to_the_bit_that_of_the_counts(largest):
    items = LiveItems(MOST)
    for n in steps(items, random.Random(5)):
        popular = items.popular(largest)
        if n % 7 == 0:
            np.testing.assert_array_equal(popular, made_anew(items).popular(largest))
            assert popular.max() == np.float32(largest)


def test_two_scales_do_not_disturb_each_other():
    items = LiveItems(MOST)
    for _ in steps(items, random.Random(6)):
        tenth = items.popular(0.1).copy()
        np.testing.assert_allclose(items.popular(), 10 * tenth, rtol=1e-6)
