"""Lists of recommendations on the real servers: how soon a click, a withdrawn item and a promoted model are in them."""

import csv
import json
import statistics
import time

import pytest
from redis import Redis

from connectors.kafka.clients import producer
from headrace import submission
from schemas.interaction import Interaction
from schemas.item import Item
from schemas.topics import INTERACTIONS, ITEMS
from tests.end_to_end.waiting import eventually

CLICK_S, WITHDRAWN_S = 2.0, 5.0


@pytest.fixture(scope="module")
def recommending(running):
    running.headrace("submit", "recommend_items")
    submission.wait_until_running(running.endpoints.flink, ("recommend_items",))
    return running


@pytest.fixture(scope="module")
def click(recommending):
    """A user takes an item now."""
    client = producer(recommending.endpoints.kafka, client_id="test")

    def click(user, item):
        record = Interaction(user=user, item=item, action="view", event_time=int(time.time() * 1000))
        client.send(INTERACTIONS.name, key=user.encode(), value=record.model_dump_json().encode()).get(timeout=30)
        time.sleep(0.002)

    yield click
    client.close()


@pytest.fixture(scope="module")
def tell(recommending):
    client = producer(recommending.endpoints.kafka, client_id="test")

    def tell(item, available):
        value = Item(item=item, available=available).model_dump_json().encode()
        client.send(ITEMS.name, key=item.encode(), value=value).get(timeout=30)

    yield tell
    client.close()


@pytest.fixture(scope="module")
def redis(recommending):
    with Redis.from_url(recommending.endpoints.redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture(scope="module")
def listed(redis):
    """The list of a key; empty where there is none."""
    return lambda key: json.loads(redis.get(key) or '{"items":[]}')


@pytest.fixture(scope="module")
def warm(click, listed):
    """Somebody took things that go together, and the worker is up."""
    for user in ("ann", "ben", "cay"):
        for item in ("tea", "pot", "cup", "ink", "pen", "pad"):
            click(user, item)
    eventually(lambda: listed("popular:items")["items"], within_s=120)


def seconds_until(look):
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < 30, "not within 30 s"
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_click_is_in_the_list_of_its_user_within_two_seconds(warm, click, listed):
    taken = []
    for number in range(7):
        click(f"new{number}", "tea")
        taken.append(seconds_until(lambda user=f"new{number}": "pot" in listed(f"recommendations:{user}")["items"]))
    print(f"a click is in the list after {statistics.median(taken):.2f} s, {max(taken):.2f} at most")
    assert statistics.median(taken) < CLICK_S
    click("new0", "pot")
    assert seconds_until(lambda: "pot" not in listed("recommendations:new0")["items"]) < 2 * CLICK_S


def test_a_withdrawn_item_is_named_and_in_no_list_of_everybody_within_five_seconds(warm, tell, redis, listed, click):
    assert "pen" in listed("popular:items")["items"]
    tell("pen", False)
    gone = seconds_until(
        lambda: redis.sismember("items:withdrawn", "pen") and "pen" not in listed("popular:items")["items"]
    )
    assert gone < WITHDRAWN_S
    click("dan", "tea")
    eventually(lambda: listed("recommendations:dan")["items"])
    assert "pen" not in listed("recommendations:dan")["items"]
    tell("pen", True)
    assert seconds_until(lambda: not redis.sismember("items:withdrawn", "pen")) < WITHDRAWN_S


def test_a_promoted_model_is_asked_without_a_restart(warm, recommending, click, listed, tmp_path):
    click("eve", "tea")
    eventually(lambda: listed("recommendations:eve")["items"])
    assert listed("recommendations:eve")["model_version"] is None
    table = tmp_path / "interactions.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "item", "event_time"])
        for user in range(40):
            rows.writerows(
                [f"u{user}", item, 1_700_000_000 + 100 * user + place]
                for place, item in enumerate(["tea", "pot", *(f"item{(user + n) % 22}" for n in range(4))])
            )
    recommending.headrace("recommend", "train", str(table), "--model", "co-visitation", "--promote")
    eventually(lambda: click("eve", f"thing{time.time()}") or listed("recommendations:eve")["model_version"])
    assert any(item.startswith("item") for item in listed("recommendations:eve")["items"])
