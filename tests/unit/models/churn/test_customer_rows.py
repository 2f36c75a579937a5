"""Rows are judged alike in a batch of rows alone, column by column, and in any other, one by one."""

import json

import pytest

from models.churn.customer_rows import customer_rows
from tests.unit.models.churn.customer_batches import Came, customer_batch

CHANGED_AT = 1795715863423


def row(**columns):
    return json.dumps({"__source_ts_ms": CHANGED_AT, "__deleted": "false", **columns}).encode()


GOOD = [
    Came("ann", row(bill=9), 3, 17),
    Came("ben", row(__source_ts_ms=0), 0, 2**62),
    Came("ü", row(__deleted=None), 1, 4),
]
OTHER = Came("carl", None, usage=b"{", is_row=False)
"""With it, a batch is no longer one of rows alone."""

ODD = {
    "deleted": Came("dora", row(__deleted="true")),
    "no key": Came(None, row()),
    "empty key": Came("", row()),
    "null": Came("dora", b"null"),
    "no object": Came("dora", b"[1]"),
    "no JSON": Came("dora", b"{"),
    "no time": Came("dora", b"{}"),
    "text for a time": Came("dora", row(__source_ts_ms="1")),
    "true for a time": Came("dora", row(__source_ts_ms=True)),
    "time before the epoch": Came("dora", row(__source_ts_ms=-1)),
    "huge time": Came("dora", row(__source_ts_ms=2**63)),
    "with usage": Came("dora", row(), usage=b'{"customer": "dora", "as_of": 1795715863424, "features": {}}'),
    "usage alone": Came("dora", row(), usage=b"{}", is_row=False),
}


def judged(*records):
    rows = customer_rows(customer_batch(*records).elements, reads_usage=False)
    return list(zip(*rows.columns, strict=True)), rows.deletions, rows.unscored


def test_rows_alone_are_judged_as_they_are_one_by_one():
    alone, *nothing = judged(*GOOD)
    assert nothing == [{}, {}]
    assert alone == judged(*GOOD, OTHER)[0]
    assert [each[:6] for each in alone] == [
        (0, True, "ann", CHANGED_AT, 3, 17),
        (1, True, "ben", 0, 0, 2**62),
        (2, True, "ü", CHANGED_AT, 1, 4),
    ]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_among_rows_is_judged_as_by_itself_and_changes_no_other(name):
    rows, deletions, unscored = judged(GOOD[0], ODD[name], GOOD[1])
    by_place = {each[0]: each[1:] for each in rows}
    alone, deleted_alone, unscored_alone = judged(ODD[name])
    assert (by_place.pop(0), by_place.pop(2)) == tuple(each[1:] for each in judged(*GOOD[:2])[0])
    assert list(by_place.values()) == [each[1:] for each in alone]
    assert list(deletions.values()) == list(deleted_alone.values())
    assert list(unscored.values()) == list(unscored_alone.values())
    assert name == "usage alone" or alone or deletions or unscored
