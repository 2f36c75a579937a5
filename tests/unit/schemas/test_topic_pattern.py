"""Topic filters with named levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topic_pattern import TopicPattern

LEVELS = st.sampled_from(["a", "b", "", "$SYS"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)
FILTERS = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(st.sampled_from(["a", "b", "", "+", "{x}", "$SYS"]), max_size=3),
    st.sampled_from([[], ["#"]]),
).filter(lambda text: text and text.count("{x}") < 2)


def matches(pattern, topic):
    """By the words of the specification, a level after the other [MQTT-4.7.1-2, 4.7.1-3, 4.7.2-1]."""
    levels, names = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and levels[0] in ("+", "#", "{x}"):
        return False
    while levels:
        level = levels.pop(0)
        if level == "#":
            return True
        if not names:
            return False
        name = names.pop(0)
        if level not in ("+", "{x}", name):
            return False
    return not names


@given(FILTERS, TOPICS)
def test_a_filter_matches_what_the_specification_says(pattern, topic):
    assert (TopicPattern(pattern).match(topic) is not None) == matches(pattern, topic)


@given(FILTERS, FILTERS, TOPICS)
def test_a_filter_that_covers_another_matches_its_topics(first, second, topic):
    if TopicPattern(first).covers(TopicPattern(second)) and TopicPattern(second).match(topic) is not None:
        assert TopicPattern(first).match(topic) is not None


@pytest.mark.parametrize(
    ("first", "second", "covers"),
    [
        ("#", "a/b", True),
        ("a/#", "a", True),
        ("a/#", "a/{x}/#", True),
        ("{x}/b", "+/b", True),
        ("a/+", "a/b", True),
        ("a/b", "a/+", False),
        ("a/+", "a/#", False),
        ("a/+", "a/+/b", False),
        ("a/+/#", "a", False),
        ("#", "$SYS/broker", False),
        ("+/a", "$share/a", False),
        ("$SYS/#", "$SYS/broker", True),
    ],
)
def test_which_filter_covers_which(first, second, covers):
    assert TopicPattern(first).covers(TopicPattern(second)) is covers
