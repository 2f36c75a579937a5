"""Globs of metric names."""

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.glob import glob_of, renamed

TEXT = st.text("ab.*\n", max_size=8)


@given(TEXT, TEXT)
def test_a_star_stands_for_any_text_as_in_a_shell(glob, name):
    assert glob_of(glob).matches(name) == fnmatchcase(name, glob)


@given(st.lists(st.text("xy.", max_size=5), min_size=1, max_size=4))
def test_a_name_that_is_renamed_to_the_same_glob_stays(parts):
    glob, name = "*".join(parts), "".join(parts)
    assert renamed(name, glob, glob) == name


@pytest.mark.parametrize(
    ("name", "glob", "new", "expected"),
    [
        ("AM2301.Temperature", "AM2301.Temperature", "temperature", "temperature"),
        ("AM2301.Temperature", "*.Temperature", "*.temperature", "AM2301.temperature"),
        ("a.b.c", "*.*", "*/*", "a/b.c"),
        ("a.b", "*.*", "*", "a"),
        ("a[0]", "a[0]", "first", "first"),
        ("b", "a", "c", None),
    ],
)
def test_each_star_of_the_new_name_is_what_one_of_the_glob_matched(name, glob, new, expected):
    assert renamed(name, glob, new) == expected


@pytest.mark.parametrize(
    ("glob", "name"), [("*a" * 100 + "b", "a" * 200), ("*.*.*.*.*.*.*.id", "." * 200), ("*" * 200, "x" * 200)]
)
def test_many_stars_are_no_work_without_end(glob, name):
    """A regular expression tried every way to share the name among the stars: eight of them never ended."""
    assert glob_of(glob).matches(name) == (set(glob) == {"*"})


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_stars_match_what_reluctant_groups_of_a_regular_expression_match(glob, name):
    pattern = "(.*?)".join(map(re.escape, glob.split("*")))
    found = re.fullmatch(pattern, name)
    assert glob_of(glob).captures(name) == (None if found is None else found.groups())
