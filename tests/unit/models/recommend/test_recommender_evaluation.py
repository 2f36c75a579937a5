"""Protocols and figures, on tables small enough to be worked out by hand."""

import gc
from math import log2

import numpy as np
import pytest

from models.recommend.evaluation.lists import Lists, best, ranks
from models.recommend.evaluation.protocols import leave_last_out, prequential, time_split, time_split_next
from models.recommend.history import Histories
from models.recommend.popularity import DecayedPopularity
from models.recommend.recommender import Recommender
from tests.unit.models.recommend.shop import history, interactions, noise

PROTOCOLS = [prequential, leave_last_out, time_split, time_split_next]


class Constant(Recommender):
    name = "constant"

    def learn(self, history, item, time_s):
        pass

    def score(self, history):
        return np.ones(self.n_items)

    def parts(self):
        return ()


class Spy(Constant):
    """Looks at all that can be reached from what it is given, and writes down what it was asked and told."""

    def __init__(self, n_items):
        super().__init__(n_items)
        self.told, self.asked = [], []

    def learn(self, history, item, time_s):
        self.told.append((tuple(reachable(history)), item, time_s))

    def score(self, history):
        self.asked.append((tuple(reachable(history)), len(self.told)))
        return super().score(history)


class Chance(Constant):
    def __init__(self, n_items):
        super().__init__(n_items)
        self.rng = np.random.default_rng(3)

    def score(self, history):
        return self.rng.random(self.n_items)


def reachable(root):
    """Numbers in all arrays that can be reached from an object, what an array is a view of included."""
    waiting, known, found = [root], set(), []
    while waiting:
        each = waiting.pop()
        if id(each) in known or isinstance(each, type):
            continue
        known.add(id(each))
        if isinstance(each, np.ndarray):
            found += each.ravel().tolist()
            waiting.append(each.base)
        waiting += gc.get_referents(each)
    return sorted(found)


def test_no_model_can_reach_what_is_yet_to_come():
    events = interactions([(f"u{n % 3}", f"i{n:02}", 10.0 * n) for n in range(30)])
    spy = Spy(30)
    prequential(spy, events)
    assert len(spy.asked) == len(spy.told) == 30
    for number, (seen, n_learned) in enumerate(spy.asked):
        assert n_learned == number
        assert seen == tuple(range(number % 3, number, 3))
    assert [item for _, item, _ in spy.told] == list(range(30))


@pytest.mark.parametrize("protocol", [time_split, time_split_next])
def test_after_a_time_split_nothing_more_is_learned(protocol):
    spy = Spy(30)
    protocol(spy, interactions([(f"u{n % 3}", f"i{n:02}", 10.0 * n) for n in range(30)]))
    assert [item for _, item, _ in spy.told] == list(range(24))
    assert {n_learned for _, n_learned in spy.asked} == {24}


def test_numbers_of_items_do_not_tell_who_came_first():
    events = interactions([("u", "z", 1.0), ("u", "a", 2.0), ("u", "m", 3.0)])
    assert events.item_names == ("a", "m", "z")
    assert events.items.tolist() == [2, 0, 1]


def test_interactions_of_one_moment_stay_in_the_order_of_the_file():
    events = interactions([("u", "c", 5.0), ("u", "a", 5.0), ("u", "b", 1.0)])
    assert [events.item_names[item] for item in events.items] == ["b", "c", "a"]


def test_equal_scores_count_against_the_model():
    assert ranks(np.ones(5), np.array([0]), np.array([3])).tolist() == [3]
    assert ranks(np.array([np.nan, 0.0, -1.0]), np.array([], int), np.array([0, 1])).tolist() == [2, 0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_that_scores_all_items_alike_finds_nothing(protocol):
    events = noise()
    figures = protocol(Constant(len(events.item_names)), events).figures()
    assert figures["recall"] == figures["ndcg"] == 0


def test_chance_finds_ten_of_the_items_that_are_left():
    events = noise()
    recall = prequential(Chance(len(events.item_names)), events).figures()["recall"]
    chance = 10 / 195.5
    assert recall == pytest.approx(chance, abs=4 * np.sqrt(chance / len(events)))


def test_figures_of_one_list_are_those_of_a_calculation_by_hand():
    lists = Lists(np.zeros(20, np.int64))
    scores = -np.arange(20.0)
    # Items 0 and 2 are seen: item 3 has rank 1, item 13 rank 11, item 5 rank 3.
    lists.add(7, history(0, 2), np.array([3, 5, 13]), scores, np.arange(20))
    figures = lists.figures()
    dcg, ideal = 1 / log2(3) + 1 / log2(5), 1 + 1 / log2(3) + 1 / log2(4)
    assert figures["ndcg"] == pytest.approx(dcg / ideal)
    assert [figures["recall"], figures["hr"], figures["mrr"]] == pytest.approx([2 / 3, 1.0, 0.5])
    assert figures["coverage"] == 0.5
    listed = [1, *range(3, 12)]
    assert figures["popularity_bias"] == pytest.approx(np.mean(listed) / 20)
    assert figures["novelty_bits"] == pytest.approx(np.mean([-log2((item + 1) / (190 + 20)) for item in listed]))


def test_a_list_is_shorter_where_less_is_left():
    assert sorted(best(np.arange(4.0), np.array([3]))) == [0, 1, 2]
    assert best(np.arange(2.0), np.array([0, 1])).tolist() == []


def test_prequential_figures_of_popularity_by_hand():
    """Three items and two users: the second is shown what the first took, and is right twice of three."""
    rows = [("a", f"i{n:02}", n) for n in range(12)] + [("b", "i00", 20), ("b", "i01", 21), ("b", "new", 22)]
    lists = prequential(DecayedPopularity(13), interactions([(user, item, float(s)) for user, item, s in rows]))
    cold_users, cold_items = np.array(lists.cold_users), np.array(lists.cold_items)
    assert cold_users.sum() == 2
    assert cold_items.sum() == 13
    # The older half of the first user's items is beyond the ten best, so that the first is missed.
    assert lists.recall[12:] == [0.0, 0.0, 0.0]
    assert lists.where(cold_items)["recall"] == lists.recall[:12].count(1.0) / 13


def test_an_item_that_comes_again_is_no_question_and_is_learned():
    spy = Spy(2)
    lists = prequential(spy, interactions([("u", "a", 1.0), ("u", "b", 2.0), ("u", "a", 3.0)]))
    assert len(lists.users) == 2
    assert [item for _, item, _ in spy.told] == [0, 1, 0]


def test_a_history_holds_each_item_once_by_its_last_interaction():
    histories = Histories(1)
    assert histories.of(0, 5.0).idle_s == np.inf
    for item, time_s in ((4, 1.0), (2, 2.0), (4, 3.0)):
        histories.add(0, item, time_s)
    found = histories.of(0, 10.0)
    assert found.items.tolist() == [2, 4]
    assert found.idle_s == 7.0


def test_the_last_left_out_is_the_last_of_the_file_among_equals():
    spy = Spy(4)
    lists = leave_last_out(spy, interactions([("u", "a", 1.0), ("u", "c", 9.0), ("u", "b", 9.0), ("v", "d", 2.0)]))
    assert [item for _, item, _ in spy.told] == [0, 2]
    assert lists.users == [0]  # the other user has one item only


def test_a_time_split_wants_all_new_items_after_it():
    rows = [("u", f"i{n}", float(n)) for n in range(8)] + [("u", "i0", 8.0), ("v", "i3", 9.0)]
    lists = time_split(DecayedPopularity(8), interactions(rows))
    assert lists.users == [1]
    assert lists.cold_users == [True]
    assert lists.recall == [1.0]
