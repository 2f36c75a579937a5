"""Globs of metric names."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.glob import glob_pattern, renamed

TEXT = st.text("ab.*\n", max_size=8)


@given(TEXT, TEXT)
def test_a_star_stands_for_any_text_as_in_a_shell(glob, name):
    assert (glob_pattern(glob).fullmatch(name) is not None) == fnmatchcase(name, glob)


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
