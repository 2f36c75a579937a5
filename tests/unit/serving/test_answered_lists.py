"""GET /users/{id}/recommendations and GET /items/{id}/similar."""

import asyncio
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.experiment import DEFAULT_LIST
from schemas.exposure import Exposure
from serving import stored_lists
from tests.unit.serving.instance_in_memory import Service, pseudonym_of, stored_list

U1 = "/users/u1/recommendations"
OF_U1 = stored_lists.of_user(pseudonym_of("u1"))


def ask(service, path=U1):
    answer = asyncio.run(service.get(path))
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(answer):
    return [each["item"] for each in answer["items"]]


def exposures(service):
    return [Exposure.model_validate_json(value) for _, value in service.exposures._queue]


@pytest.fixture
def u1(service):
    service.give("u1", stored_list([f"i{n}" for n in range(50)]))
    return service


def test_a_users_list_comes_in_its_order_with_its_reasons(u1):
    answer = ask(u1)
    assert names(answer) == [f"i{n}" for n in range(10)]
    assert answer["items"][1] == {"item": "i1", "score": 0.99, "why": "popular"}
    told = {name: answer[name] for name in ("user", "source", "degraded", "model_version", "generated_at")}
    assert told == {"user": "u1", "source": "personal", "degraded": False, "model_version": "v3", "generated_at": 17}


def test_limit_says_how_many(u1):
    assert len(ask(u1, f"{U1}?limit=50")["items"]) == 50
    assert names(ask(u1, f"{U1}?limit=1")) == ["i0"]


@pytest.mark.parametrize("query", ["exclude=i0&exclude=i2", "exclude=i0,i2", "exclude=i0%2Ci2", "exclude=,i2,,i0"])
def test_excluded_items_are_not_shown_and_others_take_their_places(u1, query):
    assert names(ask(u1, f"{U1}?limit=3&{query}")) == ["i1", "i3", "i4"]


def test_an_excluded_item_may_have_a_comma(service):
    service.give("u1", stored_list(["a,b", "c"]))
    assert names(ask(service, f"{U1}?exclude=a%2Cb")) == ["c"]


def test_a_withdrawn_item_is_gone_with_the_next_look(u1):
    u1.redis.withdrawn = {b"i0"}
    assert names(ask(u1, f"{U1}?limit=1")) == ["i0"]
    asyncio.run(u1.cache.refresh())
    assert names(ask(u1, f"{U1}?limit=1")) == ["i1"]
    u1.redis.withdrawn = set()
    asyncio.run(u1.cache.refresh())
    assert names(ask(u1, f"{U1}?limit=1")) == ["i0"]


def test_a_user_without_a_list_gets_what_is_popular(service):
    answer = ask(service, "/users/new/recommendations")
    assert (names(answer), answer["source"], answer["degraded"]) == (["p1", "p2", "p3"], "popular", False)
    assert answer["model_version"] is None


def test_what_is_trending_stands_in_for_what_is_popular():
    service = Service()
    service.redis.values[stored_lists.TRENDING] = stored_list(["t1"])
    asyncio.run(service.cache.refresh())
    answer = ask(service)
    assert (names(answer), answer["source"]) == (["t1"], "trending")


def test_before_the_first_list_there_are_no_items():
    service = Service()
    asyncio.run(service.cache.refresh())
    answer = ask(service)
    assert (answer["items"], answer["source"], answer["degraded"]) == ([], "none", False)


def test_similar_items_are_never_the_item_itself(service):
    value = orjson.dumps({"items": ["i7", "i8"], "scores": [0.9, 0.5], "generated_at": 5})
    service.redis.values[stored_lists.similar_to("i7")] = value
    answer = ask(service, "/items/i7/similar")
    assert answer == {
        "item": "i7", "items": [{"item": "i8", "score": 0.5}], "source": "similar", "degraded": False,
        "model_version": None, "generated_at": 5,
    }  # fmt: skip


def test_ids_are_any_text(service):
    service.give("a/b é", stored_list(["x"]))
    assert names(ask(service, "/users/a%2Fb%20%C3%A9/recommendations")) == ["x"]


@pytest.mark.parametrize(
    "written", ["a%2Fb", "a%2fb", "%61%2Fb", "..%2F..", "%2F", "%2F%2F", "100%25", "%3F%23", "a%2F"]
)
def test_an_id_may_have_an_encoded_slash(service, written):
    id = unquote(written)
    service.give(id, stored_list(["of the user"]))
    service.redis.values[stored_lists.similar_to(id)] = stored_list(["of the item"])
    answers = [ask(service, f"/users/{written}/recommendations"), ask(service, f"/items/{written}/similar")]
    assert [names(each) for each in answers] == [["of the user"], ["of the item"]]
    assert (answers[0]["user"], answers[1]["item"]) == (id, id)


LADDER = [
    # What Redis holds, whether it answers, the list that the user's arm wants -> source, degraded
    ("personal popular trending", True, DEFAULT_LIST, "personal", False),
    ("popular trending", True, DEFAULT_LIST, "popular", False),
    ("trending", True, DEFAULT_LIST, "trending", False),
    ("", True, DEFAULT_LIST, "none", False),
    ("unreadable popular trending", True, DEFAULT_LIST, "popular", False),
    ("unreadable trending", True, DEFAULT_LIST, "trending", False),
    ("unreadable", True, DEFAULT_LIST, "none", False),
    ("personal popular trending", False, DEFAULT_LIST, "popular", True),
    ("personal trending", False, DEFAULT_LIST, "trending", True),
    ("personal", False, DEFAULT_LIST, "none", True),
    ("personal popular trending", True, "trending", "trending", False),
    ("personal popular", True, "trending", "popular", False),
    ("personal", True, "trending", "none", False),
    ("personal popular trending", True, "popular", "popular", False),
    ("personal trending", True, "popular", "trending", False),
    ("personal popular trending", False, "trending", "trending", True),
    ("personal popular", False, "trending", "popular", True),
]


@pytest.mark.parametrize(("held", "available", "wanted", "source", "degraded"), LADDER)
def test_the_first_list_there_is_answers(held, available, wanted, source, degraded):
    service = Service()
    for each in held.split():
        value = b"no list" if each == "unreadable" else stored_list([f"of {each}"])
        keys = {"popular": stored_lists.POPULAR, "trending": stored_lists.TRENDING}
        service.redis.values[keys.get(each, OF_U1)] = value
    service.experiments.usual = wanted
    service.assigner.reload()
    asyncio.run(service.cache.refresh())
    service.redis.unavailable = not available
    if not available:
        asyncio.run(service.cache.refresh())
    answer = ask(service)
    assert (answer["source"], answer["degraded"]) == (source, degraded)
    assert names(answer) == ([] if source == "none" else [f"of {source}"])
    assert service.metric("lists_total", source=source) == 1
    assert service.metric("degraded_total") == degraded
    assert service.metric("unreadable_total") == ("unreadable" in held)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"nonsense", b"7", b"[]", b"{}", b"\xff",
        stored_list(["a"], scores=[]), stored_list(["a"], why=[]), stored_list(["a"], why=[1]),
        stored_list(["a"], why=[-1]), stored_list([1]), stored_list(["a"], items="a"), stored_list(["a"], reasons=7),
        stored_list(["a"], why=["x"]), stored_list(["a"], why=7), stored_list(["a"], scores=7),
    ],
)  # fmt: skip
def test_a_value_that_is_no_list_counts_and_the_user_gets_what_is_popular(service, value):
    service.give("u1", value)
    answer = ask(service)
    assert (names(answer), answer["source"]) == (["p1", "p2", "p3"], "popular")
    assert service.metric("unreadable_total") == 1


@given(st.binary() | st.recursive(st.none() | st.integers(-9, 9) | st.text(), st.lists).map(repr).map(str.encode))
def test_any_bytes_are_a_list_or_unreadable(value):
    try:
        stored = stored_lists.read(value)
        stored_lists.shown(stored, 50, frozenset(), frozenset())
    except stored_lists.Unreadable:
        return


@given(
    st.lists(st.text(min_size=1), max_size=50, unique=True), st.integers(1, 50), st.sets(st.text()), st.sets(st.text())
)
def test_what_is_shown_is_the_stored_order_without_what_is_hidden(items, limit, hidden, excluded):
    shown = stored_lists.shown(stored_lists.read(stored_list(items)), limit, hidden, excluded)
    assert [each["item"] for each in shown] == [i for i in items if i not in hidden and i not in excluded][:limit]


# ---------------------------------------------------------------- exposures


def test_each_users_list_is_an_exposure(u1):
    answer = ask(u1, f"{U1}?limit=2&context=home+page%21")
    (exposure,) = exposures(u1)
    assert exposure.exposure_id == answer["exposure_id"]
    assert (exposure.user, exposure.items, exposure.model_version) == (pseudonym_of("u1"), ("i0", "i1"), "v3")
    assert (exposure.source, exposure.arm, exposure.context) == ("personal", None, "home page!")
    assert u1.exposures._queue[0][0] == pseudonym_of("u1").encode()


def test_exposures_have_names_of_their_own(u1):
    assert len({ask(u1)["exposure_id"] for _ in range(20)}) == 20


def test_similar_items_are_nobodys_exposure(service):
    ask(service, "/items/i7/similar")
    assert exposures(service) == []


def test_exposures_beyond_the_bound_are_dropped_and_counted():
    service = Service(max_exposures=3)
    asyncio.run(service.cache.refresh())
    for _ in range(5):
        ask(service)
    assert (service.metric("exposures_waiting"), service.metric("exposures_dropped_total")) == (3, 2)


# ---------------------------------------------------------------- Redis away


def test_while_redis_is_away_the_last_popular_list_stands_in(u1):
    u1.redis.withdrawn = {b"p1"}
    asyncio.run(u1.cache.refresh())
    u1.redis.unavailable = True
    answer = ask(u1)
    assert (names(answer), answer["source"], answer["degraded"]) == (["p2", "p3"], "popular", True)
    assert u1.metric("redis_up") == 0


def test_after_a_failure_redis_is_not_asked_again_before_the_next_look(u1):
    u1.redis.unavailable = True
    ask(u1)
    u1.redis.unavailable = False
    assert ask(u1)["degraded"] is True
    assert u1.redis.asked == []
    asyncio.run(u1.cache.refresh())
    assert ask(u1)["source"] == "personal"


def test_a_value_is_used_for_as_long_as_the_settings_say_and_no_longer(u1):
    assert names(ask(u1, f"{U1}?limit=1")) == ["i0"]
    u1.give("u1", stored_list(["new"]))
    u1.clock.now_s += 0.49
    assert names(ask(u1, f"{U1}?limit=1")) == ["i0"]
    u1.clock.now_s += 0.02
    assert names(ask(u1, f"{U1}?limit=1")) == ["new"]


def test_an_old_value_is_not_used_while_redis_is_away(u1):
    ask(u1)
    u1.redis.unavailable = True
    u1.clock.now_s += 0.6
    assert ask(u1)["source"] == "popular"


def test_what_was_kept_is_forgotten_after_two_looks(u1):
    ask(u1)
    for _ in range(2):
        asyncio.run(u1.cache.refresh())
    assert not u1.cache._newer
    assert not u1.cache._older


def test_requests_of_one_moment_share_a_round_trip(u1):
    async def at_once():
        return await asyncio.gather(*(u1.cache.get(f"key {n % 20}") for n in range(40)))

    asyncio.run(at_once())
    assert [len(keys) for keys in u1.redis.asked] == [20]


def test_what_comes_during_a_round_trip_shares_the_next(u1):
    async def one_after_another():
        first = asyncio.create_task(u1.reads.get("a"))
        while not u1.redis.asked:
            await asyncio.sleep(0)
        await asyncio.gather(first, u1.reads.get("b"), u1.reads.get("c"))

    asyncio.run(one_after_another())
    assert u1.redis.asked == [["a"], ["b", "c"]]


def test_a_client_that_hangs_up_takes_nobody_with_it(u1):
    async def hang_up():
        leaving, staying = (asyncio.create_task(u1.reads.get(OF_U1)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(hang_up()) == u1.redis.values[OF_U1]


def test_a_fault_in_a_round_trip_leaves_nobody_waiting(service):
    async def broken(keys):
        raise RuntimeError("a fault of ours")

    async def ask_twice():
        service.reads._commands.mget = broken
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await service.reads.get("a")
        del service.reads._commands.mget
        async with asyncio.timeout(5):
            return await service.reads.get(stored_lists.POPULAR)

    assert asyncio.run(ask_twice()) == service.redis.values[stored_lists.POPULAR]


def test_a_redis_that_keeps_silent_is_away_after_the_timeout(service):
    async def silence(keys):
        await asyncio.sleep(60)

    service.redis.mget = silence
    service.reads._timeout_s = 0.05
    assert ask(service)["degraded"] is True
