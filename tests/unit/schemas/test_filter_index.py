"""Which of many topic filters covers another one."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.filter_index import FilterIndex
from schemas.topic_pattern import TopicPattern

FILTERS = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(st.sampled_from(["a", "b", "", "+", "{x}", "$SYS"]), max_size=4),
    st.sampled_from([[], ["#"]]),
).filter(lambda text: text and text.count("{x}") < 2)


def index_of(patterns):
    index = FilterIndex()
    for pattern in patterns:
        index.add(pattern)
    return index


@given(st.lists(FILTERS.map(TopicPattern), max_size=12), FILTERS.map(TopicPattern))
def test_the_index_finds_the_first_filter_that_covers_another(patterns, pattern):
    expected = next((each for each in patterns if each.covers(pattern)), None)
    assert index_of(patterns).first_covering(pattern) is expected


def test_a_filter_of_the_most_levels_that_a_topic_may_have_is_found():
    pattern = TopicPattern("/" * 65_535)
    assert index_of([pattern]).first_covering(pattern) is pattern
    assert index_of([TopicPattern("+/" * 30_000 + "#")]).first_covering(pattern) is not None
