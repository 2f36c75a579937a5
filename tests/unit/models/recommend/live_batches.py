"""Micro-batches as the job gathers them, and what is done with them."""

import json
from typing import NamedTuple

from flink import framing
from jobs.operators.live_records import live_records
from models.recommend.online.recommender import LiveRecommender
from models.recommend.online.shard import LiveShard, journal_entry

T = 1_719_800_000_000


class Sent(NamedTuple):
    """A record as it came: bytes or None."""

    value: bytes | None
    topic: str = "interactions"
    key: str | None = "ann"
    appended_ms: int = T


def took(user, item, seconds, action="buy", appended_s=None):
    """An interaction at a time, and when Kafka took it: at once, unless told otherwise."""
    record = {"schema_version": 1, "user": user, "item": item, "action": action, "event_time": T + int(1000 * seconds)}
    appended_s = seconds if appended_s is None else appended_s
    return Sent(json.dumps(record).encode(), key=user, appended_ms=T + int(1000 * appended_s))


def tells(item, available):
    return Sent(json.dumps({"item": item, "available": available}).encode(), "items", item)


def forgets(user, seconds=0):
    record = {"user": user, "forgotten_at": T}
    return Sent(json.dumps(record).encode(), "users.forgotten", user, T + int(1000 * seconds))


def batch(records, offset=0):
    """The frame that the job's operator gets."""
    return framing.encode(
        [
            (
                topic.encode(), (0).to_bytes(8), (offset + number).to_bytes(8), appended_ms.to_bytes(8),
                None if key is None else key.encode(), value,
            )
            for number, (value, topic, key, appended_ms) in enumerate(records)
        ]
    )  # fmt: skip


class Model:
    """Answers with the same items and one that tells the history's length, and remembers what it was asked."""

    def __init__(self, *items, version="v1"):
        self.items, self.version, self.asked = items, version, []

    def choose(self, history):
        self.asked.append(list(history))
        return [*self.items, f"after {len(history)}"]


class Shop:
    """A shard with its own clock; keeps what readers would see, and the journal."""

    def __init__(self, live=None, model=None, shard=0, shards=1, journal=()):
        self.clock = [0.0]
        live = LiveRecommender() if live is None else live
        self.shard = LiveShard(live, lambda: model, lambda: self.clock[0], shard, shards)
        self.live = self.shard.live
        for entry in journal:
            self.shard.replay(entry, live_records)
        self.readers, self.journal, self.steps, self.offset = {}, [], [], 0

    def step(self, *records):
        cut = batch(records, self.offset)
        step = self.shard.step(live_records(cut))
        self.offset += len(records)
        self.clock[0] += 2.0
        self.readers |= {tuple(each.key.split(":", 1)): json.loads(each.body) for each in step.lists}
        self.journal.append(journal_entry(cut, step.chosen))
        self.steps.append(step)
        return step

    def list_of(self, user):
        return self.readers["recommendations", user]

    def lists(self):
        """Those of users."""
        return {name: body for (kind, name), body in self.readers.items() if kind == "recommendations"}
