"""What each model has learned, against the numbers worked out by hand."""

import numpy as np
import pytest

from models.recommend.co_visitation import CoVisitation
from models.recommend.content import ContentBased
from models.recommend.ease import Ease
from models.recommend.factors import Factors
from models.recommend.hybrid import Hybrid
from models.recommend.item_knn import ItemKnn
from models.recommend.popularity import DAY_S, DecayedPopularity
from tests.unit.models.recommend.shop import history


def test_a_count_halves_in_its_half_life():
    model = DecayedPopularity(3, half_life_s=DAY_S)
    model.learn(history(), 0, 1e9)
    model.learn(history(), 1, 1e9 + DAY_S)
    scores = model.score(history())
    assert scores[0] / scores[1] == pytest.approx(0.5)
    assert scores[2] == 0


def test_a_stream_of_years_overflows_nothing_and_forgets_nothing_recent():
    model = DecayedPopularity(2, half_life_s=60.0)
    for hour in range(24 * 30):
        model.learn(history(), hour % 2, hour * 3_600.0)
    scores = model.score(history())
    assert np.isfinite(scores).all()
    assert scores[1] > scores[0]


def test_an_interaction_that_comes_late_counts_as_old():
    model = DecayedPopularity(2, half_life_s=DAY_S)
    model.learn(history(), 0, 10 * DAY_S)
    model.learn(history(), 1, 9 * DAY_S)
    scores = model.score(history())
    assert scores[1] / scores[0] == pytest.approx(0.5)


def test_pairs_count_by_their_distance_in_both_directions():
    model = CoVisitation(4, window=2, window_decay=0.5, reach=2, decay=0.5, damp_from=0, damp_to=0)
    model.learn(history(), 0, 0.0)
    model.learn(history(0), 1, 0.0)
    model.learn(history(0, 1), 2, 0.0)
    model.learn(history(0, 1, 2), 3, 0.0)  # 0 is out of the window
    np.testing.assert_allclose(model.score(history(0)), [0, 1, 0.5, 0])
    np.testing.assert_allclose(model.score(history(2)), [0.5, 1, 0, 1])
    # Half of what item 0 says, all of what item 2 says.
    np.testing.assert_allclose(model.score(history(0, 2)), [0.5, 1.5, 0.25, 1])


def test_what_everybody_takes_is_damped():
    model = CoVisitation(3, damp_from=1.0, damp_to=0.0)
    for _ in range(3):
        model.learn(history(), 0, 0.0)
    model.learn(history(0), 1, 0.0)
    assert model.score(history(0))[1] == pytest.approx(1 / 4)


def together(model):
    """Learns the histories {0, 1}, {0, 1, 2}, {2}."""
    for items in ((0, 1), (0, 1, 2), (2,)):
        for place, item in enumerate(items):
            model.learn(history(*items[:place]), item, 0.0)
    model.refit()
    return model


MATRIX = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], float)


def test_ease_is_the_regression_of_each_item_on_the_others():
    table = together(Ease(3, regularization=2.0)).parts()[0].table
    for item in range(3):
        others = [other for other in range(3) if other != item]
        x, y = MATRIX[:, others], MATRIX[:, item]
        expected = np.linalg.solve(x.T @ x + 2.0 * np.eye(2), x.T @ y)
        np.testing.assert_allclose(table[others, item], expected, rtol=1e-5)
        assert table[item, item] == 0


def test_factors_are_the_singular_vectors_of_users_by_items():
    _, _, right = np.linalg.svd(MATRIX)
    for n_factors in (1, 2):
        table = together(Factors(3, n_factors)).parts()[0].table
        expected = right[:n_factors].T @ right[:n_factors]
        np.fill_diagonal(expected, 0.0)
        np.testing.assert_allclose(table, expected, atol=1e-6)


def test_item_knn_is_the_cosine_of_sets():
    table = together(ItemKnn(3, shrinkage=0.0)).parts()[0].table
    np.testing.assert_allclose(table, [[0, 1, 0.5], [1, 0, 0.5], [0.5, 0.5, 0]], rtol=1e-6)


def test_item_knn_keeps_the_nearest_only():
    table = together(ItemKnn(3, neighbours=1, shrinkage=0.0)).parts()[0].table
    np.testing.assert_allclose(table[0], [0, 1, 0], rtol=1e-6)


def test_an_item_that_comes_again_is_one_of_the_set():
    model = together(ItemKnn(3, shrinkage=0.0))
    before = model.parts()[0].table.copy()
    model.learn(history(1, 0), 1, 0.0)
    model.refit()
    np.testing.assert_array_equal(model.parts()[0].table, before)


def test_counts_of_shortened_histories_are_refused_by_ease():
    model = Ease(2, regularization=0.1)
    model.learn(history(0), 1, 0.0)  # item 0 was never learned itself
    model.learn(history(0), 1, 0.0)
    with pytest.raises(np.linalg.LinAlgError, match="whole histories"):
        model.refit()


def test_a_rare_word_says_more_than_one_that_all_share():
    words = [frozenset({"all", "rare"}), frozenset({"all", "rare"}), frozenset({"all"}), frozenset()]
    scores = ContentBased(words).score(history(0))
    assert scores[1] == pytest.approx(1)
    assert 0 < scores[2] < 0.7
    assert scores[3] == 0


def test_the_blend_learns_whom_to_trust_while_users_are_active_and_when_they_return():
    """Active users go on with the next of two items; those who return take what has just become popular."""
    rng = np.random.default_rng(5)
    model = Hybrid([DecayedPopularity(12, half_life_s=DAY_S), CoVisitation(12)], every=1)
    for day in range(200):
        now_s, popular = day * DAY_S, int(rng.integers(4))
        for first in (4, 6, 8, 10):
            model.learn(history(), popular, now_s)
            model.learn(history(), first, now_s)
            model.learn(history(first, idle_s=5.0), first + 1, now_s)
            model.learn(history(first, first + 1, idle_s=1e6), popular, now_s)
    active, returned = model.weights
    assert active[1] > 2 * active[0]
    assert returned[0] / returned[1] > 2 * active[0] / active[1]


def test_active_users_move_no_weights_of_those_who_return():
    model = Hybrid([DecayedPopularity(4), CoVisitation(4)], every=1)
    for _ in range(20):
        model.learn(history(), 2, 0.0)
        before = model.weights.copy()
        model.learn(history(2, idle_s=5.0), 3, 0.0)
        assert model.weights[1].tolist() == before[1].tolist()
    assert model.weights[0].tolist() != [0.5, 0.5]


def test_an_item_that_comes_again_moves_no_weight():
    model = Hybrid([DecayedPopularity(4), CoVisitation(4)], every=1)
    model.learn(history(1, 2), 1, 0.0)
    assert model.weights.tolist() == [[0.5, 0.5], [0.5, 0.5]]
