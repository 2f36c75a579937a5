"""Lines of values in a TOML text."""

import json

from hypothesis import given
from hypothesis import strategies as st

from schemas.toml_lines import TomlLines, existing

NAMES = st.sampled_from(["topic", "name", "a b", "Ä", "x.y", "größe\u2028"])
VALUES = st.one_of(
    st.integers(-9, 9).map(str),
    st.booleans().map(lambda each: str(each).lower()),
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=9).map(json.dumps).filter(
        lambda text: "\\ud" not in text
    ),
    st.just('"""\nseveral\n\nlines = 1\n[[source]]\n"""'),
    st.just("[\n  1, # [a]\n  2,\n]"),
    st.just("{ inline = 1 }"),
)  # fmt: skip


@st.composite
def documents(draw):
    """A text, and the line of each path in it."""
    lines: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {}
    for number in range(draw(st.integers(1, 5))):
        lines += draw(st.lists(st.sampled_from(["", "# a comment = 1", "  "]), max_size=3))
        expected["source", number] = len(lines) + 1
        lines.append("[[source]]")
        for name in draw(st.lists(NAMES, unique=True, max_size=4)):
            lines += draw(st.lists(st.just("# [[source]]"), max_size=1))
            expected["source", number, name] = len(lines) + 1
            lines += f"{json.dumps(name, ensure_ascii=False)} = {draw(VALUES)}".split("\n")
        if draw(st.booleans()):
            lines += ["", "[source.units]", 'C = "Cel"']
            expected["source", number, "units"] = len(lines) - 1
            expected["source", number, "units", "C"] = len(lines)
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"])), expected


@given(documents())
def test_every_value_is_found_on_the_line_where_its_statement_begins(document):
    text, expected = document
    lines = TomlLines(text)
    assert {path: lines.line_of(path) for path in expected} == expected


def test_a_value_that_is_not_there_is_on_the_line_of_the_table_around_it():
    text = 'a = 1\n\n[[source]]\nname = "x"\n'
    assert TomlLines(text).line_of(("source", 0, "topic")) == 3
    assert TomlLines(text).line_of(("source", 4, "topic")) == 3
    assert TomlLines(text).line_of(("b",)) == 1
    assert TomlLines(text).line_of(()) == 1


def test_dotted_keys_and_inline_tables_have_lines():
    text = "[[source]]\nunits.C = 1\nunits.F = 2\nwords = {on = 1, off = 2}\nsource2 = [\n{a = 1},\n{a = 2}]\n"
    assert TomlLines(text).line_of(("source", 0, "units", "F")) == 3
    assert TomlLines(text).line_of(("source", 0, "words", "off")) == 4
    assert TomlLines(text).line_of(("source", 0, "source2", 1, "a")) == 5


def test_lines_end_with_a_line_feed_only():
    assert TomlLines('a = "\u2028"\r\nb = 1\r\n').line_of(("b",)) == 2


def test_a_path_leads_as_far_as_there_is_something():
    assert existing({"a": [{"b": 1}]}, ("a", 0, "b", "c")) == ("a", 0, "b")
    assert existing({"a": "text"}, ("a", 0)) == ("a",)
