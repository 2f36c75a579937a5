"""Users of an experiment are shown the list of their arm, and the exposure says which."""

import asyncio

import pytest

from serving import stored_lists
from tests.unit.serving.instance_in_memory import pseudonym_of, stored_list
from tests.unit.serving.test_answered_lists import ask, exposures, names

LISTS = """
[lists]
control = { share = 50, list = "popular" }
treatment = { share = 50, list = "trending" }
"""


@pytest.fixture
def shop(service):
    """Users with lists of their own, what all see, and an experiment."""
    for user in map(str, range(20)):
        service.give(user, stored_list(["own"]))
    service.redis.values[stored_lists.POPULAR] = stored_list(["pop", "both"])
    service.redis.values[stored_lists.TRENDING] = stored_list(["trend", "both"], model_version=None)
    service.experiments.text = LISTS
    asyncio.run(service.cache.refresh())
    service.assigner.reload()
    return service


def shown(service):
    """Source and first item of every user's list, by user."""
    answers = {user: ask(service, f"/users/{user}/recommendations") for user in map(str, range(20))}
    return {user: (answer["source"], names(answer)[0]) for user, answer in answers.items()}


def test_each_arm_is_shown_its_list_and_the_exposure_names_it(shop):
    found = shown(shop)
    assert set(found.values()) == {("popular", "pop"), ("trending", "trend")}
    arm_of = {"lists/control": "popular", "lists/treatment": "trending"}
    logged = exposures(shop)
    sources = {pseudonym_of(user): source for user, (source, _) in found.items()}
    assert len(logged) == 20
    assert all(arm_of[each.arm] == each.source == sources[each.user] for each in logged)


def test_users_outside_are_shown_their_own_and_no_arm(shop):
    shop.experiments.text = LISTS.replace("50", "1")
    shop.assigner.reload()
    own = [user for user, (source, _) in shown(shop).items() if source == "personal"]
    assert len(own) >= 15
    assert {each.arm for each in exposures(shop) if each.user in map(pseudonym_of, own)} == {None}


def test_a_promoted_list_is_for_all(shop):
    shop.experiments.text, shop.experiments.usual = "", "trending"
    shop.assigner.reload()
    assert set(shown(shop).values()) == {("trending", "trend")}
    assert {each.arm for each in exposures(shop)} == {None}


def test_withdrawn_and_excluded_items_are_in_no_arm(shop):
    shop.redis.withdrawn = {b"pop", b"trend"}
    asyncio.run(shop.cache.refresh())
    assert {first for _, first in shown(shop).values()} == {"both"}
    assert names(ask(shop, "/users/1/recommendations?exclude=both")) == []


def test_an_arm_without_its_list_is_shown_the_other_and_says_so(shop):
    del shop.redis.values[stored_lists.TRENDING]
    asyncio.run(shop.cache.refresh())
    assert set(shown(shop).values()) == {("popular", "pop")}
    assert {each.source for each in exposures(shop)} == {"popular"}


def test_with_redis_away_an_arm_is_degraded_too(shop):
    shop.redis.unavailable = True
    asyncio.run(shop.cache.refresh())
    answer = ask(shop, "/users/1/recommendations")
    assert answer["degraded"]
    assert shop.metric("degraded_total") == 1


def test_a_file_that_is_none_changes_nothing_and_is_counted(shop):
    before = shown(shop)
    shop.experiments.text = "[lists"
    shop.assigner.reload()
    assert shown(shop) == before
    assert (shop.metric("experiments"), shop.metric("experiments_unreadable_total")) == (1, 1)
    shop.experiments.text = ""
    shop.assigner.reload()
    assert set(shown(shop).values()) == {("personal", "own")}
