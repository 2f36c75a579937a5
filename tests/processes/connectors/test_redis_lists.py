"""RedisLists against a real Redis: what it does is a script that only a Redis runs."""

import json
from typing import NamedTuple

import pytest
import redis

from connectors.redis.recommendation_lists import LISTS_A_CALL, RedisLists
from connectors.retries import Retries
from connectors.stores import StoreUnavailable
from tests.redis_server import redis_server

T = 1_719_800_000_123


class Written(NamedTuple):
    key: str
    body: bytes
    generated_at: int


def listed(name, time_ms, item="tea", kind="recommendations"):
    body = json.dumps({"items": [item], "generated_at": time_ms}, separators=(",", ":"))
    return Written(f"{kind}:{name}", body.encode(), time_ms)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def client(port):
    client = redis.Redis(port=port, decode_responses=True)
    client.flushall()
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@pytest.fixture
def writer(client, port):
    return RedisLists(redis.Redis(port=port), lifetime_s=600, retries=Retries(0))


def items(client, key):
    return json.loads(client.get(key))["items"]


def test_a_list_moves_only_forward_by_its_time_and_of_equal_times_the_later_wins(client, writer):
    for time_ms, item in ((T, "a"), (T + 5, "b"), (T + 4, "c")):
        writer.write([listed("ann", time_ms, item)], {})
    assert items(client, "recommendations:ann") == ["b"]
    writer.write([listed("ann", T + 5, "d")], {})
    assert items(client, "recommendations:ann") == ["d"]


def test_lists_of_a_batch_are_all_written_each_with_a_lifetime(client, writer):
    writer.write([listed(f"user{n}", T + n) for n in range(2 * LISTS_A_CALL + 1)], {})
    assert client.dbsize() == 2 * LISTS_A_CALL + 1
    assert all(0 < client.ttl(key) <= 600 for key in client.scan_iter())


@pytest.mark.parametrize("name", ["two words", 'say "hi"', "Größe 😀", "a:b/c", "{x}"])
def test_names_are_any_text(client, writer, name):
    writer.write([listed(name, T), listed(name, T + 1, "pot", kind="similar")], {})
    assert items(client, f"recommendations:{name}") == ["tea"]
    assert items(client, f"similar:{name}") == ["pot"]


@pytest.mark.parametrize("foreign", ["hash", "text", "short"])
def test_what_another_wrote_under_our_key_is_written_over(client, writer, foreign):
    if foreign == "hash":
        client.hset("recommendations:ann", "a", 1)
    else:
        client.set("recommendations:ann", "x" * (40 if foreign == "text" else 3))
    writer.write([listed("ann", T)], {})
    assert items(client, "recommendations:ann") == ["tea"]


def test_withdrawn_items_come_and_go(client, writer):
    writer.write([], {"tea": False, "pot": False})
    writer.write([], {"tea": True, "pot": False, "cup": True})
    assert client.smembers("items:withdrawn") == {"pot"}


def test_lists_of_users_who_are_forgotten_go(client, writer):
    writer.write([listed("ann", T), listed("ben", T)], {})
    writer.write([listed("cay", T)], {}, ["ann", "nobody"])
    assert sorted(client.scan_iter("recommendations:*")) == ["recommendations:ben", "recommendations:cay"]


def test_nothing_to_write_asks_nobody():
    RedisLists(redis.Redis(port=1), lifetime_s=600, retries=Retries(0)).write([], {})


def test_no_redis_is_away():
    with pytest.raises(StoreUnavailable, match="does not answer"):
        RedisLists(redis.Redis(port=1), lifetime_s=600, retries=Retries(0)).write([listed("ann", T)], {})


def test_a_redis_with_full_memory_is_away(client, writer):
    client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="answers with an error"):
        writer.write([listed("ann", T)], {})


def test_a_list_of_the_longest_takes_less_than_3_kb(client, writer):
    body = b'{"items":["' + b"x" * 2_450 + b'"],"generated_at":%d}' % T
    writer.write([Written("recommendations:" + "u" * 200, body, T)], {})
    assert 2_400 < client.memory_usage("recommendations:" + "u" * 200) < 3_072
