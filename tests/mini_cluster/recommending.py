"""What test_recommend_items.py sends, and its door to Redis. In a module of its own: workers import it by its name."""

import json
import random

import redis

from connectors.redis.recommendation_lists import RedisLists
from tests.raw_messages import NOW_MS

RECORDS, AGAIN = 900, 60
USERS, ITEMS = 15, 40
BAD = {70: b"{", 333: b'{"user":"user1","item":"item1","action":"view","event_time":7}', 601: b"\xff"}
OFFERS = {200: ("item3", False), 201: ("item4", False), 420: ("item4", True), 860: ("item5", False)}


def sent(number: int) -> bytes:
    """The record at an offset. From RECORDS on those before come once more, as after an aborted transaction."""
    if number in BAD:
        return BAD[number]
    if number in OFFERS:
        item, available = OFFERS[number]
        return json.dumps({"item": item, "available": available}).encode()
    at = number if number < RECORDS else number - AGAIN
    rng = random.Random(at)
    late_ms = 400 if rng.random() < 0.1 else 0
    record = {"user": f"user{rng.randrange(USERS)}", "item": f"item{(at // 7 + rng.randrange(6)) % ITEMS}"}
    return json.dumps(record | {"action": "view", "event_time": NOW_MS + 10 * at - late_ms}).encode()


def topic(number: int) -> str:
    return "items" if number in OFFERS else "interactions"


class Door:
    """Makes the writer on the worker, for a database of the test's Redis."""

    def __init__(self, port: int, database: int) -> None:
        self._port, self._database = port, database

    def __call__(self, lifetime_s: int) -> RedisLists:
        return RedisLists(redis.Redis(port=self._port, db=self._database), lifetime_s)
