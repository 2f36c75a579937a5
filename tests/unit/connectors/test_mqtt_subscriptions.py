"""Filters that overlap, and the one copy of each message that counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt_bridge.subscriptions import Subscriptions, TooManySubscriptions, overlap
from schemas.topic_pattern import TopicPattern

names = st.sampled_from(["a", "b"])
topics = st.lists(names, min_size=1, max_size=3).map("/".join)
filters = st.tuples(st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=3), st.booleans()).map(
    lambda each: "/".join(each[0] + ["#"] * each[1])
)


@given(filters, filters, st.lists(topics, min_size=1, max_size=30))
def test_no_topic_matches_two_filters_that_do_not_overlap(one, other, some):
    for topic in some:
        if TopicPattern(one).match(topic) is not None and TopicPattern(other).match(topic) is not None:
            assert overlap(one, other)
            assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("fleet/+/telemetry", "fleet/+/status", False),
        ("fleet/+/telemetry", "fleet/#", True),
        ("a/+/c", "a/b/+", True),
        ("a/b", "a/b/c", False),
        ("a/b/#", "a/b", True),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/+", True),
        ("a/+", "+/b", True),
    ],
)
def test_filters_overlap_where_one_topic_matches_both(one, other, expected):
    assert overlap(one, other) is expected


@given(st.lists(filters, min_size=1, max_size=6, unique=True), topics, st.booleans())
def test_of_all_copies_of_a_message_one_counts(declared, topic, together):
    """`together`: the broker sends one copy with all identifiers, else one for each subscription [MQTT 5, 3.3.4]."""
    subscriptions = Subscriptions(declared)
    matching = [
        each for each, declared_filter in zip(subscriptions.all, declared, strict=True)
        if TopicPattern(declared_filter).match(topic) is not None
    ]  # fmt: skip
    if not matching:
        return
    identifiers = [each.identifier for each in matching if each.identifier is not None]
    assert identifiers or len(matching) == 1
    copies = [identifiers] if together else [[each] for each in identifiers]
    counting = subscriptions.identifier_of(topic)
    if counting is not None:
        assert sum(not subscriptions.is_copy(copy, counting) for copy in copies) == 1


def test_a_message_that_was_queued_for_other_filters_always_counts():
    before, after = Subscriptions(["a/+", "a/b"]), Subscriptions(["+/b", "a/+", "a/b"])
    queued = before.all[1].identifier
    counting = after.identifier_of("a/b")
    assert counting is not None
    assert not after.is_copy([queued], counting)
    assert not after.is_copy([], counting)
    assert not after.is_copy([queued, after.all[2].identifier], counting)


def test_a_share_group_stands_before_each_filter():
    shared = Subscriptions(["a/+", "b/#"], "bridges")
    assert shared.filters == ("$share/bridges/a/+", "$share/bridges/b/#")


def test_more_filters_than_identifiers_can_number_are_refused():
    Subscriptions([f"a/{number}" for number in range(5000)])
    with pytest.raises(TooManySubscriptions, match="5,001"):
        Subscriptions(["a/+", *(f"a/{number}" for number in range(5000))])
