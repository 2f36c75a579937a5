"""LiveRecommender and LiveShard: what users see, what is kept, and that a restart changes nothing."""

import json
import random
from collections import Counter

import numpy as np
import pytest

from models.recommend.co_visitation import CoVisitation
from models.recommend.history import Histories
from models.recommend.online import list_json
from models.recommend.online.recommender import FORGOTTEN_KEPT_MS, MODEL_ASKED_EVERY, LearnOutcome, LiveRecommender
from models.state_codec import UnreadableState
from schemas.limits import MAX_LIST_ITEMS
from tests.unit.models.recommend.live_batches import Model, Shop, T, forgets, tells, took


def walk(n=400, users=12, items=30, seed=3, late=0.1, again=0.1):
    """Interactions of users who walk along the items; some come late, some twice."""
    rng = random.Random(seed)
    rows, at = [], Counter()
    for second in range(n):
        user = f"user{rng.randrange(users)}"
        at[user] += rng.randint(1, 3)
        event_s = second - (40 if rng.random() < late else 0)
        row = took(user, f"item{at[user] % items}", event_s, appended_s=second)
        rows.append(row)
        if rng.random() < again:
            rows.append(rng.choice(rows[-30:]))
    return rows


def in_cuts(shop, rows, seed):
    rng = random.Random(seed)
    start = 0
    while start < len(rows):
        size = rng.choice([1, 2, 7, 60])
        shop.step(*rows[start : start + size])
        start += size
    return shop


# ---------------------------------------------------------------- what users see


def test_an_interaction_changes_the_list_of_its_user():
    shop = Shop()
    shop.step(took("ann", "tea", 1), took("ann", "pot", 2), took("cay", "ink", 3))
    shop.step(took("ben", "tea", 4))
    assert shop.list_of("ben")["items"][0] == "pot"
    why = shop.list_of("ben")
    assert why["reasons"][why["why"][0]] == "goes with tea"
    shop.step(took("ben", "pot", 5))
    assert "pot" not in shop.list_of("ben")["items"]


def test_a_list_has_the_fields_and_the_bounds_that_readers_know():
    shop = in_cuts(Shop(), walk(items=90), seed=1)
    for listed in shop.lists().values():
        assert list(listed) == ["items", "scores", "why", "reasons", "model_version", "generated_at"]
        assert 0 < len(listed["items"]) == len(listed["scores"]) == len(listed["why"]) <= MAX_LIST_ITEMS
        assert listed["scores"] == sorted(listed["scores"], reverse=True)
        assert max(listed["why"]) < len(listed["reasons"])
        assert len(set(listed["items"])) == len(listed["items"])


@pytest.mark.parametrize("n", [0, 3, 199, 200, 201, 256, 2_048])
@pytest.mark.parametrize("digits", [8, 1, 0])
@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_the_best_are_those_of_a_whole_sort(n, digits, share):
    rng = np.random.default_rng(n)
    scores = (rng.random(n).round(digits) * (rng.random(n) < share)).astype(np.float32)
    ordered = np.argsort(-scores, kind="stable")
    assert list_json.best(scores).tolist() == ordered[scores[ordered] > 0][:MAX_LIST_ITEMS].tolist()


def test_a_list_of_long_names_stays_below_its_bytes():
    shop = Shop()
    names = [f"{number:03}".ljust(200, "ä") for number in range(60)]
    shop.step(*(took("ann", name, second) for second, name in enumerate(names)), took("ben", names[0], 99))
    body = shop.live.list_of("ben")
    listed = json.loads(body)
    assert len(body) <= list_json.MAX_BYTES
    assert 3 <= len(listed["items"]) == len(listed["scores"]) == len(listed["why"])


def test_popular_and_trending_are_there_for_users_of_whom_nothing_is_known():
    shop = Shop()
    day = 86_400
    for user in range(9):
        shop.step(took(f"user{user}", "tea", user))
    for user in range(4):
        shop.step(took(f"user{user}", "ink", 3 * day + user))
    assert shop.readers["popular", "items"]["items"] == ["tea", "ink"]
    assert shop.readers["trending", "items"]["items"] == ["ink"]


def test_what_goes_with_an_item_is_a_list_too():
    shop = Shop()
    shop.step(took("ann", "tea", 1), took("ann", "pot", 2), took("ben", "ink", 3))
    assert shop.readers["similar", "tea"]["items"] == ["pot"]


def test_a_withdrawn_item_is_in_no_list_that_is_made_and_comes_back():
    shop = Shop()
    shop.step(*(took(user, item, 1) for user in ("ann", "ben") for item in ("tea", "pot", "cup")))
    step = shop.step(tells("pot", False))
    assert step.offered == {"pot": False}
    assert "pot" not in shop.readers["popular", "items"]["items"]
    shop.step(took("cay", "tea", 20))
    assert "pot" not in shop.list_of("cay")["items"]
    assert "pot" not in shop.readers["similar", "tea"]["items"]
    shop.step(tells("pot", True), took("cay", "ink", 40))
    assert "pot" in shop.list_of("cay")["items"]
    assert "pot" in shop.readers["popular", "items"]["items"]


def test_a_list_is_told_of_only_when_it_changes():
    shop = Shop()
    shop.step(took("ann", "tea", 1), took("ann", "pot", 2), took("ben", "tea", 3))
    kinds = Counter(each.key.split(":")[0] for each in shop.step(took("ben", "tea", 4)).lists)
    assert kinds["recommendations"] == 0
    assert Counter(each.key.split(":")[0] for each in shop.step(took("ben", "pot", 5)).lists)["recommendations"] == 1


# ---------------------------------------------------------------- duplicates, late ones, order


def test_an_interaction_counts_once_and_the_copy_changes_nothing():
    rows = walk(again=0)
    once, twice = Shop(), Shop()
    for row in rows:
        once.step(row)
        twice.step(row, row)
    in_cuts(twice, rows[-100:], seed=4)
    assert twice.lists() == once.lists()
    assert (
        sum((step.outcomes for step in twice.steps), Counter[LearnOutcome]())[LearnOutcome.DUPLICATE] == len(rows) + 100
    )


def test_an_interaction_older_than_what_is_kept_of_its_user_does_not_count():
    live = LiveRecommender(history=3)
    arrivals = [live.learn("ann", f"item{n}", "buy", T + n, T + n) for n in range(5)]
    assert arrivals == [LearnOutcome.NEW] * 5
    assert live.learn("ann", "item0", "buy", T, T + 9) is LearnOutcome.FORGOTTEN
    assert live.history_of("ann") == ["item2", "item3", "item4"]


def test_a_late_interaction_takes_its_place_by_event_time():
    live = LiveRecommender()
    for item, second, arrival in (("a", 1, LearnOutcome.NEW), ("c", 3, LearnOutcome.NEW), ("b", 2, LearnOutcome.LATE)):
        assert live.learn("ann", item, "view", T + second, T + 9) is arrival
    assert live.history_of("ann") == ["a", "b", "c"]


def test_a_late_interaction_goes_with_those_behind_it_as_with_those_before():
    in_order, late = LiveRecommender(), LiveRecommender()
    for live, order in ((in_order, "abc"), (late, "acb")):
        for item in order:
            live.learn("ann", item, "view", T + ord(item), T + 200)
    for item in "ac":
        pair = [live._items._pairs[live._items.numbers[item], live._items.numbers["b"]] for live in (in_order, late)]
        assert pair[0] == pair[1] == 1


def test_pairs_are_those_of_the_model_that_is_evaluated():
    rng = np.random.default_rng(1)
    n_items, histories, other = 200, Histories(5), CoVisitation(200)
    live = LiveRecommender()
    taken = [rng.permutation(n_items).tolist() for _ in range(5)]
    for second in range(600):
        user, item = second % 5, taken[second % 5][second // 5]
        live.learn(str(user), f"{item:03}", "view", T + second, T + second)
        other.learn(histories.of(user, second), item, second)
        histories.add(user, item, second)
    expected = other.score(histories.of(3, 600))
    numbers = live._items.numbers
    recent = live._users["3"].log.recent(10)
    found = np.zeros_like(live._items.popular())
    live._items.going_with(recent, found)
    assert len(numbers) > 150
    for name, number in numbers.items():
        assert found[number] == pytest.approx(expected[int(name)] / expected.max(), rel=1e-4)


# ---------------------------------------------------------------- restarts, cuts, shards


@pytest.mark.parametrize("model", [None, Model("item3", "item9", "elsewhere")], ids=["no model", "a model"])
def test_where_batches_are_cut_changes_no_users_list(model):
    rows = walk()
    assert in_cuts(Shop(model=model), rows, seed=1).lists() == in_cuts(Shop(model=model), rows, seed=2).lists()


@pytest.mark.parametrize("snapshot_at", [0, 150])
def test_a_snapshot_and_the_journal_since_go_on_as_if_nothing_had_happened(snapshot_at):
    rows = [*walk(), tells("item4", False), tells("item5", False), tells("item5", True)]
    before, after = rows[:300], [*rows[300:], *walk(100, seed=8)]
    unbroken = Shop(model=Model("item1", "item2"))
    broken = Shop(model=Model("item1", "item2"))
    for shop in (unbroken, broken):
        in_cuts(shop, before[:snapshot_at], seed=1)
    frozen = broken.live.snapshot()
    broken.journal.clear()
    for shop in (unbroken, broken):
        in_cuts(shop, before[snapshot_at:], seed=2)
    live = LiveRecommender()
    live.restore(frozen)
    # In the meantime another model was promoted; the answers of the journal are those of the first.
    restored = Shop(live, Model("item7", version="v1"), journal=broken.journal)
    assert restored.live.snapshot() == unbroken.live.snapshot()
    in_cuts(unbroken, after, seed=3)
    restored.shard._model = unbroken.shard._model
    in_cuts(restored, after, seed=3)
    assert restored.lists().items() <= unbroken.lists().items()
    assert restored.live.snapshot() == unbroken.live.snapshot()
    assert restored.live.withdrawn == {"item4"}


def test_shards_make_the_lists_of_one_between_them():
    rows = [*walk(), tells("item4", False)]
    one = in_cuts(Shop(), rows, seed=1)
    shards = [in_cuts(Shop(shard=shard, shards=3), rows, seed=2 + shard) for shard in range(3)]
    for mine, others in ((0, (1, 2)), (1, (0, 2))):
        assert shards[mine].lists()
        assert not any(shards[mine].lists().keys() & shards[other].lists().keys() for other in others)
    assert {user: listed for shard in shards for user, listed in shard.lists().items()} == one.lists()
    assert [sum(bool(step.offered) for step in shard.steps) for shard in shards] == [1, 0, 0]


@pytest.mark.parametrize("damage", [b"", b"HRs1 and no more", None])
def test_a_state_that_is_none_is_refused(damage):
    state = damage if damage is not None else LiveRecommender().snapshot()[:-1]
    with pytest.raises(UnreadableState):
        LiveRecommender().restore(state)


# ---------------------------------------------------------------- users who are forgotten


@pytest.mark.parametrize("seed", [1, 2])
def test_who_is_forgotten_has_no_list_and_gets_none_wherever_batches_are_cut(seed):
    rows = walk()
    shop = in_cuts(Shop(), [*rows[:200], forgets("user3"), *rows[200:]], seed)
    assert [user for step in shop.steps for user in step.forgotten] == ["user3"]
    forgotten_at = next(number for number, step in enumerate(shop.steps) if step.forgotten)
    assert "recommendations:user3" not in {each.key for step in shop.steps[forgotten_at:] for each in step.lists}
    assert shop.live.newest_ms("user3") == 0
    assert sum(step.outcomes[LearnOutcome.DROPPED] for step in shop.steps) == sum(
        b'"user3"' in r.value for r in rows[200:]
    )


def test_it_does_not_matter_whether_the_interactions_or_the_forgetting_are_read_first():
    rows = [row for row in walk() if b'"user3"' in row.value]
    before, after = in_cuts(Shop(), [forgets("user3"), *rows], 1), in_cuts(Shop(), [*rows, forgets("user3")], 1)
    assert before.live.newest_ms("user3") == after.live.newest_ms("user3") == 0
    assert "user3" not in before.lists()


def test_a_snapshot_knows_whom_not_to_learn():
    live = LiveRecommender()
    live.forget("ann", T)
    restored = LiveRecommender()
    restored.restore(live.snapshot())
    assert restored.learn("ann", "tea", "buy", T, T) is LearnOutcome.DROPPED
    assert len(restored) == 0


def test_whom_not_to_learn_is_known_for_as_long_as_interactions_are_kept_and_no_longer():
    live = LiveRecommender()
    live.forget("ann", T)
    live.forget("ben", T + FORGOTTEN_KEPT_MS - 1)
    assert live.learn("ann", "tea", "buy", T, T) is LearnOutcome.DROPPED
    live.forget("cay", T + FORGOTTEN_KEPT_MS)
    assert live.learn("ann", "tea", "buy", T, T) is LearnOutcome.NEW
    assert live.learn("ben", "tea", "buy", T, T) is LearnOutcome.DROPPED


# ---------------------------------------------------------------- bounds


def test_users_beyond_the_bound_are_those_who_did_nothing_for_longest():
    live = LiveRecommender(most_users=3)
    for second, user in enumerate("abcad"):
        live.learn(user, f"item{second}", "view", T + second, T + second)
    assert len(live) == 3
    assert [live.newest_ms(user) for user in "abcd"] == [T + 3, 0, T + 2, T + 4]


def test_a_user_who_is_forgotten_within_a_batch_has_the_list_of_before():
    rows = [took("ann", item, n) for n, item in enumerate(("tea", "pot", "cup"))]
    rows += [took("ben", "tea", 4), took("ben", "pot", 5), took("cay", "pot", 6)]
    at_once, one_by_one = Shop(LiveRecommender(most_users=1)), Shop(LiveRecommender(most_users=1))
    at_once.step(*rows)
    for row in rows:
        one_by_one.step(row)
    # Without their times: a list that stays the same is not told of again.
    items = [{user: body["items"] for user, body in shop.lists().items()} for shop in (at_once, one_by_one)]
    assert items == [{"ann": [], "ben": ["cup"], "cay": items[1]["cay"]}] * 2
    assert set(items[1]["cay"]) == {"tea", "cup"}


def test_items_beyond_the_bound_push_out_those_taken_least_and_leave_nothing_of_them():
    shop = Shop(LiveRecommender(most_items=16))
    for second in range(16):
        shop.step(took("ann", f"item{second:02}", second))
    for second in range(15):
        shop.step(took("ben", f"item{second:02}", 100 + second))
    shop.step(took("cay", "new", 200))
    assert shop.live.n_items == 16
    assert not {"item15", "new"} & set(shop.live.history_of("ann"))
    assert "new" not in json.loads(shop.live.similar("item00"))["items"]
    assert "item15" not in shop.list_of("cay")["items"]
    assert json.loads(shop.live.similar("new"))["items"] == []
    in_cuts(shop, walk(items=100), seed=1)
    live = LiveRecommender(most_items=16)
    live.restore(shop.live.snapshot())
    assert live.n_items == 16
    assert live.snapshot() == shop.live.snapshot()


def test_bounds_that_were_lowered_hold_for_a_state_from_before():
    before = LiveRecommender()
    in_cuts(Shop(before), walk(items=300), seed=1)
    live = LiveRecommender(most_users=4, most_items=20, history=5)
    live.restore(before.snapshot())
    for number in range(30):
        live.learn(f"user{number % 4}", f"new{number}", "view", T + 10_000_000 + number, T + 10_000_000 + number)
    assert live.n_items <= 20
    assert len(live) == 4
    assert max(len(live.history_of(f"user{number}")) for number in range(4)) in range(1, 6)
    for number in range(4):  # one of them took only items that are forgotten
        listed = json.loads(live.list_of(f"user{number}"))
        assert listed["items"]
        assert live.history_of(f"user{number}") or listed["reasons"] == ["popular"]
    assert not all(live.history_of(f"user{number}") for number in range(4))


def test_a_history_is_bounded():
    live = LiveRecommender(history=5)
    for second in range(50):
        live.learn("ann", f"item{second}", "view", T + second, T + second)
    assert live.history_of("ann") == [f"item{second}" for second in range(45, 50)]


# ---------------------------------------------------------------- a model


def test_a_models_list_is_asked_for_now_and_then_and_blended_in():
    model = Model("lamp", "desk")
    shop = Shop(model=model)
    for second in range(2 * MODEL_ASKED_EVERY):
        shop.step(took("ann", f"item{second}", second))
    assert [len(history) for history in model.asked] == [1, 1 + MODEL_ASKED_EVERY]
    listed = shop.list_of("ann")
    assert listed["model_version"] == "v1"
    assert listed["items"][:2] == ["lamp", "desk"]
    assert listed["reasons"][listed["why"][0]] == "chosen by the model"


def test_a_user_who_comes_back_and_a_promoted_model_are_asked_for_at_once():
    model = Model("lamp")
    shop = Shop(model=model)
    shop.step(took("ann", "a", 1), took("ann", "b", 2))
    assert len(model.asked) == 1
    shop.step(took("ann", "c", 3 + 1801))
    assert len(model.asked) == 2
    model.version = "v2"
    shop.step(took("ann", "d", 4 + 1801))
    assert len(model.asked) == 3
    assert shop.list_of("ann")["model_version"] == "v2"
