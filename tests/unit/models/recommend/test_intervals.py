"""Bootstrap over users: the interval is that of users, and not of lists."""

import numpy as np
import pytest

from models.recommend.evaluation.intervals import mean, ratio
from models.recommend.evaluation.lists import Lists


def lists(users, recall):
    return Lists(np.zeros(1, np.int64), users=list(users), recall=list(recall))


def test_lists_of_one_user_do_not_count_as_many():
    rng = np.random.default_rng(1)
    of_user = rng.random(100)
    once = mean(lists(range(100), of_user), "recall")
    copied = mean(lists(np.repeat(range(100), 20), np.repeat(of_user, 20)), "recall")
    assert copied == pytest.approx(once)
    standard_error = of_user.std() / 10
    assert once.high - once.low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)


def test_a_ratio_is_paired_by_user():
    rng = np.random.default_rng(2)
    others = rng.random(50)
    found = ratio(lists(range(50), 2 * others), lists(range(50), others), "recall")
    assert found == pytest.approx((2.0, 2.0, 2.0))


def test_models_with_other_lists_are_not_compared():
    with pytest.raises(ValueError, match="same lists"):
        ratio(lists([1, 2], [0, 1]), lists([1, 3], [0, 1]), "recall")
