"""Records of `interactions` and `items` as they come off Kafka."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.operators.live_records import live_records
from models.recommend.online import events
from models.recommend.online.events import ItemAvailability, ItemInteraction, UserDeletion
from schemas.dead_letter import DeadLetter
from tests.unit.models.recommend.live_batches import Sent, T, batch, forgets, tells, took

GOOD = took("ann", "tea", 1)


def read(frame):
    return events.read(live_records(frame))


def test_interactions_and_items_come_in_their_order():
    found = read(
        batch([GOOD, tells("pot", False), took("ben", "pot", 2), Sent(None, "items", "cup"), forgets("ann", 3)])
    )
    assert found.events == [
        ItemInteraction("ann", "tea", "buy", T + 1000, T + 1000),
        ItemAvailability("pot", False),
        ItemInteraction("ben", "pot", "buy", T + 2000, T + 2000),
        ItemAvailability("cup", False),
        UserDeletion("ann", T + 3000),
    ]
    assert not found.refused


def test_an_interaction_without_an_item_is_passed_over():
    found = read(batch([took("ann", None, 1, action="login"), GOOD]))
    assert (found.passed_over, len(found.events), found.refused) == (1, 1, [])


def changed(**fields):
    return Sent(json.dumps(json.loads(GOOD.value) | fields).encode())


BAD = {
    "no JSON": (Sent(b"{"), "not JSON"),
    "nothing": (Sent(b""), "not JSON"),
    "no UTF-8": (Sent(b'{"user":"\xff"}'), "not JSON"),
    "two texts": (Sent(b"{},{}"), "not JSON"),
    "two elements": (Sent(b'{}],["interactions"'), "not JSON"),
    "deep": (Sent(b"[" * 5000), "not JSON"),
    "no object": (Sent(b"7"), "dictionary"),
    "no value": (Sent(None), "dictionary"),
    "no user": (Sent(b'{"item":"a","action":"b","event_time":1719800000000}'), "user: Field required"),
    "number for an item": (changed(item=7), "item: Input should be a valid string"),
    "fraction of a ms": (changed(event_time=1.5), "event_time"),
    "empty item": (changed(item=""), "item has 0 characters"),
    "long user": (changed(user="u" * 201), "user has 201 characters"),
    "seconds for ms": (changed(event_time=T // 1000), "before 2010"),
    "microseconds for ms": (changed(event_time=T * 1000), "looks like microseconds"),
    "nanoseconds for ms": (changed(event_time=T * 1_000_000), "looks like nanoseconds"),
    "zero": (changed(event_time=0), "before 2010"),
    "negative": (changed(event_time=-T), "before 2010"),
    "of the future": (changed(event_time=T + 300_001), "over 5 minutes"),
    "huge time": (changed(event_time=10**30), "event_time"),
    "an item that is none": (Sent(b'{"item":"pot"}', "items", "pot"), "available: Field required"),
    "an item without value and key": (Sent(None, "items", None), "neither value nor a key"),
    "a forgotten user who is none": (Sent(b'{"user":""}', "users.forgotten", "ann"), "forgotten_at: Field required"),
    "a forgotten user without a value": (Sent(None, "users.forgotten", "ann"), "dictionary"),
}


REASONS = {
    "interactions": "not_an_interaction", "items": "not_an_item", "users.forgotten": "not_a_forgotten_user"
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_a_dead_letter_with_its_bytes_and_the_others_go_on(name):
    bad, detail = BAD[name]
    found = read(batch([GOOD, bad, took("ben", "tea", 2)], offset=40))
    assert [event.user for event in found.events] == ["ann", "ben"]
    key, written = found.refused[0].dead_letter("recommend_items")
    letter = DeadLetter.model_validate_json(written)
    assert len(found.refused) == 1
    assert (letter.original or b"", key, letter.position.offset) == (bad.value or b"", (bad.key or "").encode(), 41)
    assert letter.reason == REASONS[bad.topic]
    assert detail in letter.detail
    assert letter.position.topic == bad.topic
    assert not letter.replayable


def test_a_time_that_is_a_little_ahead_is_taken():
    assert len(read(batch([changed(event_time=T + 300_000)])).events) == 1


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([GOOD.value, tells("a", True).value])), max_size=6))
def test_any_bytes_are_an_event_or_refused_each_once_with_their_bytes(values):
    found = read(batch([Sent(value, key='a,"]') for value in values]))
    assert len(found.events) + len(found.refused) + found.passed_over == len(values)
    for refused in found.refused:
        assert refused.original == values[refused.offset]
        assert refused.key == 'a,"]'
