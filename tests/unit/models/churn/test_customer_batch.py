"""Micro-batches of customers and usage are read as they were framed."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.customer_batch import CustomerBatchRecord
from schemas.reject_reasons import RejectReason
from tests.unit.models.churn.customer_batches import Came, customer_batch

GOOD = Came("ann", b'{"bill": 9}', 3, 17)
BAD_VALUES = [
    b"",
    b"{",
    b"7 8",
    b"{},{}",
    b"\xff",
    b"[" * 5000,
    b"NaN",
    b'"\\ud800"',
    b"}",
    b"]",
    b'{}],[true,3,"b"',
    b",",
]


def read(*records):
    return [CustomerBatchRecord._make(element) for element in customer_batch(*records).elements]


def refused(place, *records):
    return customer_batch(*records).refused(place, RejectReason.NOT_A_CUSTOMER, "why", 7)


def test_a_row_comes_with_its_place_and_without_usage():
    (arrival,) = read(GOOD)
    assert (arrival.is_row, arrival.customer, arrival.row) == (True, "ann", {"bill": 9})
    assert (arrival.row_partition, arrival.row_offset, arrival.usage_offset, arrival.usage) == (3, 17, -1, None)


def test_usage_comes_with_its_place_and_without_a_row():
    (arrival,) = read(Came("ann", None, usage=b'{"as_of": 1}', is_row=False))
    assert (arrival.is_row, arrival.row_offset, arrival.row) == (False, -1, None)
    assert (arrival.usage_partition, arrival.usage_offset, arrival.usage) == (2, 5, {"as_of": 1})


@pytest.mark.parametrize("bad", BAD_VALUES)
@pytest.mark.parametrize("half", ["row", "usage"])
def test_a_value_that_is_no_json_says_so_and_changes_nothing_else(bad, half):
    came = GOOD._replace(usage=b"{}")._replace(**{half: bad})
    before, arrival, after = read(GOOD, came, GOOD)
    assert isinstance(getattr(arrival, half), orjson.JSONDecodeError)
    assert (arrival.customer, arrival.usage_offset, arrival.row_offset) == ("ann", 5, 17)
    assert [before, after] == read(GOOD) * 2


@pytest.mark.parametrize("value", [b"null", *BAD_VALUES])
def test_a_record_that_is_refused_has_its_own_bytes_and_place(value):
    row = refused(1, GOOD, GOOD._replace(row=value, usage=b"{}"), GOOD)
    assert (row.topic, row.partition, row.offset, row.original) == ("customers", 3, 17, value)
    assert (row.key, row.detail, row.first_seen) == ("ann", "why", 7)
    usage = refused(1, GOOD, GOOD._replace(usage=value, is_row=False))
    assert (usage.topic, usage.partition, usage.offset, usage.original) == ("customers.usage", 2, 5, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)
)
CAME = st.builds(
    Came,
    customer=st.none() | st.text(),
    row=st.none() | st.binary() | JSON.map(orjson.dumps),
    usage=st.none() | st.binary() | JSON.map(orjson.dumps),
    is_row=st.booleans(),
)


@given(st.lists(CAME, max_size=5))
def test_whatever_comes_is_read_as_each_would_be_by_itself(records):
    found = read(*records)
    assert [arrival.customer for arrival in found] == [came.customer for came in records]
    for place, (arrival, came) in enumerate(zip(found, records, strict=True)):
        for value, original in ((arrival.row, came.row), (arrival.usage, came.usage)):
            try:
                expected = None if original is None else orjson.loads(original)
            except orjson.JSONDecodeError:
                assert isinstance(value, orjson.JSONDecodeError)
            else:
                assert value == expected
        original = came.row if came.is_row else came.usage
        assert refused(place, *records).original == (original or b"")
