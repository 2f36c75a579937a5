"""Which of many topic filters covers another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.filter_index import FilterIndex
from schemas.topic_pattern import TopicPattern

FILTERS = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(st.sampled_from(["a", "b", "", "+", "{x}", "$SYS"]), max_size=4),
    st.sampled_from([[], ["#"]]),
).filter(lambda text: text and text.count("{x}") < 2)

TOPICS = st.lists(st.sampled_from(["a", "b", "", "$SYS"]), min_size=1, max_size=4).map("/".join)


def covers(first, second):
    """Two filters side by side, level by level: what the index does without comparing each pair."""
    if second.startswith("$") and not first.startswith("$"):
        return False  # [MQTT-4.7.2-1]
    levels, others = first.split("/"), second.split("/")
    for number, level in enumerate(levels):
        if level == "#":
            return True
        if number == len(others) or others[number] == "#" or level not in ("+", others[number]):
            return False
    return len(levels) == len(others)


def index_of(patterns):
    index = FilterIndex()
    for pattern in patterns:
        index.add(pattern)
    return index


def is_covered(first, second):
    return index_of([TopicPattern(first)]).first_covering(TopicPattern(second)) is not None


@given(st.lists(FILTERS.map(TopicPattern), max_size=12), FILTERS.map(TopicPattern))
def test_the_index_finds_the_first_filter_that_covers_another(patterns, pattern):
    expected = next((each for each in patterns if covers(each.filter, pattern.filter)), None)
    assert index_of(patterns).first_covering(pattern) is expected


def test_a_filter_of_the_most_levels_that_a_topic_may_have_is_found():
    pattern = TopicPattern("/" * 65_535)
    assert index_of([pattern]).first_covering(pattern) is pattern
    assert index_of([TopicPattern("+/" * 30_000 + "#")]).first_covering(pattern) is not None


@given(FILTERS, FILTERS, TOPICS)
def test_a_filter_that_covers_another_matches_its_topics(first, second, topic):
    if is_covered(first, second) and TopicPattern(second).match(topic) is not None:
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
    assert is_covered(first, second) is covers
