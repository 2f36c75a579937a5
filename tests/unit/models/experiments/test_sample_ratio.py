"""Users who do not come as declared are noticed, at any time and seldom without a reason."""

import numpy as np
import pytest

from models.experiments.sample_ratio import mismatch_p

SHARES = {"control": 50.0, "treatment": 50.0}


def smallest_p(share, seed, users=2000):
    """Of a look after every 20 users."""
    treated = np.cumsum(np.random.default_rng(seed).random(users) < share)
    looks = range(19, users, 20)
    return min(mismatch_p({"treatment": int(treated[n]), "control": n + 1 - int(treated[n])}, SHARES) for n in looks)


def test_declared_shares_are_seldom_doubted_however_often_one_looks():
    assert sum(smallest_p(0.5, seed) < 0.05 for seed in range(300)) < 25  # 5 % are 15


def test_a_lost_tenth_of_an_arm_is_noticed():
    assert sum(smallest_p(0.45 / 0.95, seed, users=20_000) < 0.01 for seed in range(20)) >= 18


def test_no_users_are_no_mismatch():
    assert mismatch_p({}, SHARES) == 1


def test_an_arm_without_a_share_is_refused():
    with pytest.raises(ValueError, match="blue"):
        mismatch_p({"blue": 1}, SHARES)
