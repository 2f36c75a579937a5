"""Topic filters with named levels."""

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
