"""The generic checks: what holds for every recommender of the catalogue."""

import pickle

import numpy as np
import pytest

from models.recommend.catalogue import RECOMMENDERS, names
from models.recommend.evaluation.protocols import learn_all, leave_last_out, prequential, time_split
from models.recommend.linear_form import Part
from tests.unit.models.recommend.shop import chains, history, noise, words

every_recommender = pytest.mark.parametrize("name", RECOMMENDERS)


def made(name, events):
    return RECOMMENDERS[name](len(events.item_names), words(events))


def learned(name, events):
    model = made(name, events)
    learn_all(model, events)
    return model


@every_recommender
def test_scores_are_one_finite_number_for_each_item_whatever_the_history(name):
    events = chains()
    n_items = len(events.item_names)
    for model in (made(name, events), learned(name, events)):
        for of in (history(), history(3), history(*range(n_items)), history(5, idle_s=1e9)):
            scores = model.score(of)
            assert scores.shape == (n_items,)
            assert np.isfinite(scores).all()


@every_recommender
def test_scoring_learns_nothing(name):
    model = learned(name, chains())
    before = pickle.dumps(model)
    model.score(history(1, 2, 3))
    assert pickle.dumps(model) == before


@every_recommender
def test_the_same_interactions_make_the_same_model(name):
    of = history(4, 2)
    np.testing.assert_array_equal(learned(name, chains()).score(of), learned(name, chains()).score(of))


@every_recommender
def test_a_pickled_model_goes_on_as_if_nothing_had_happened(name):
    model = learned(name, chains())
    restored = pickle.loads(pickle.dumps(model))
    for each in (model, restored):
        each.learn(history(1, 2), 7, 3e6)
        each.refit()
    np.testing.assert_array_equal(model.score(history(7)), restored.score(history(7)))


@every_recommender
def test_a_user_is_a_history_and_nothing_else(name):
    model = made(name, chains())
    model.learn(history(1, 2), 3, 10.0)
    model.refit()
    given = history(1, 2)
    kept = given.items.copy()
    model.score(given)
    model.learn(given, 4, 11.0)
    np.testing.assert_array_equal(given.items, kept)


@every_recommender
def test_on_noise_no_model_is_better_than_chance(name):
    events = noise()
    recall = prequential(made(name, events), events).figures()["recall"]
    chance = 10 / 195.5  # of the items that a user has not taken: 200 less 0 to 9
    assert recall < chance + 4 * np.sqrt(chance / len(events))


@pytest.mark.parametrize("name", [each for each in RECOMMENDERS if each != "popularity"])
def test_what_follows_is_found(name):
    events = chains()
    lists = leave_last_out(made(name, events), events)
    # A chain's last item is always left out: nobody has learned it, and only its attributes tell of it.
    assert lists.where(~np.array(lists.cold_items))["recall"] == 1.0


@every_recommender
def test_parts_score_as_the_model_does(name):
    model = learned(name, chains())
    parts = model.parts()
    assert all(isinstance(part, Part) for part in parts)
    assert (model.weights is None) == (len(parts) == 1)
    if model.weights is None:
        of = history(3, 9, 4)
        assert np.argsort(-by_hand(parts[0], of.items)).tolist()[:5] == np.argsort(-model.score(of)).tolist()[:5]


def by_hand(part, items):
    scores = part.prior.astype(float)
    for age, item in enumerate(items[::-1][: part.reach]):
        scores = scores + part.decay**age * part.table[item]
    return scores


def test_without_attributes_the_model_of_attributes_is_not_offered():
    assert "content" not in names(None)
    assert "content" in names([frozenset()])


@every_recommender
def test_a_time_split_knows_nothing_of_what_comes_after_it(name):
    """The lists of a split are the same, whatever happens later."""
    events = chains()
    cut = round(len(events) * 0.8)
    model, other = made(name, events), made(name, events)
    time_split(model, events)
    later = events.items.copy()
    later[cut:] = later[cut:][::-1]
    time_split(other, type(events)(events.users, later, events.times_s, events.user_names, events.item_names))
    np.testing.assert_array_equal(model.score(history(3, 4)), other.score(history(3, 4)))
