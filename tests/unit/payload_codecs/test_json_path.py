"""JMESPath as functions: the same values as the library's interpreter."""

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payload_codecs.json_path import NOT_APPLICABLE, getter

NAMES = st.sampled_from(["a", "b", "switch:0", "Ä"])
JSON = st.recursive(
    st.sampled_from([None, True, False, 0, 0.0, 1, "", "x", 10**25]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.lists(NAMES.map(lambda name: f'"{name}"'), min_size=1, max_size=3).map(".".join)
EXPRESSIONS = st.recursive(
    FIELDS
    | st.sampled_from(["@", "'text'", "`0`", "`null`", "a[0]", "a[0].b", "a[*].b", "a[?b]", "length(a)", "max(@)"]),
    lambda inner: st.builds("{} || {}".format, inner, inner) | st.builds("{} && {}".format, inner, inner),
    max_leaves=4,
)  # fmt: skip


def outcome(function, value):
    try:
        return repr(function(value))
    except NOT_APPLICABLE as error:
        return type(error)


@given(EXPRESSIONS, JSON)
def test_a_getter_finds_what_the_interpreter_finds(expression, value):
    assert outcome(getter(expression), value) == outcome(jmespath.compile(expression).search, value)


@pytest.mark.parametrize("expression", ["a", "a.b.c", "a.b || @", "'Cel'", '"switch:0".apower'])
def test_plain_paths_need_no_interpreter(expression):
    assert "interpreter" not in getter(expression).__code__.co_freevars


def test_other_expressions_do():
    assert "interpreter" in getter("max(a)").__code__.co_freevars
