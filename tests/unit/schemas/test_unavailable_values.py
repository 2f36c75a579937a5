"""Columns of a captured row that PostgreSQL's log did not hold."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.unavailable_values import PLACEHOLDER, known_columns, mentions_unavailable, without_unavailable

# As Debezium 3.6 writes each type, seen with a placeholder of another text.
FORMS = {
    "text": "__headrace_unavailable_value",
    "bytea": "X19oZWFkcmFjZV91bmF2YWlsYWJsZV92YWx1ZQ==",
    "hstore": '{"__headrace_unavailable_value":"__headrace_unavailable_value"}',
    "text[]": ["__headrace_unavailable_value"],
    "bytea[]": ["X19oZWFkcmFjZV91bmF2YWlsYWJsZV92YWx1ZQ=="],
    "int[]": [ord(each) for each in PLACEHOLDER],
}
columns = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5000),
    lambda inner: st.lists(inner, max_size=50),
    max_leaves=200,
)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_placeholder_is_no_value_in_whichever_form_its_type_has(form):
    row = {"customer_id": "c-9", "notes": form, "months": 3}
    assert json.loads(known_columns(json.dumps(row, separators=(",", ":")).encode())) == {
        "customer_id": "c-9",
        "months": 3,
    }


@pytest.mark.parametrize(
    "value",
    [
        f"see {PLACEHOLDER}",
        [PLACEHOLDER, "second"],
        [ord(each) for each in PLACEHOLDER[:-1]],
        "__debezium_unavailable_value",
        [],
        [[PLACEHOLDER]],
        "",
        None,
    ],
)
def test_what_only_looks_like_it_is_a_value(value):
    row = {"notes": value}
    assert without_unavailable(row) == row
    assert json.loads(known_columns(json.dumps(row, separators=(",", ":")).encode())) == row


@settings(max_examples=25)  # of up to 200 columns each: what is costly is to make them up
@given(st.dictionaries(st.text(max_size=60), columns, max_size=200))
def test_a_row_whose_columns_are_all_known_stays_as_it_is(row):
    text = json.dumps(row, separators=(",", ":")).encode()
    assert without_unavailable(row) == row
    assert mentions_unavailable(text) or known_columns(text) is text


@pytest.mark.parametrize("text", [b"", b"{", PLACEHOLDER.encode(), f'["{PLACEHOLDER}"]'.encode(), b"\xff"])
def test_what_is_no_row_is_left_to_its_reader(text):
    assert known_columns(text) == text
