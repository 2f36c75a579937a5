"""The demo's table of customers, and a row on its way to PostgreSQL."""

from types import SimpleNamespace

import pytest

from examples.churn.customers import as_json_has_them, key_of, read_rows, write_example
from models.churn.contract import Column


def test_the_example_is_the_same_each_time_and_some_leave(tmp_path):
    for name in ("one.csv", "two.csv"):
        write_example(tmp_path / name, n=300)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    rows = read_rows(tmp_path / "one.csv", limit=300)
    assert len({row["customer"] for row in rows}) == 300
    assert 0.1 < sum(row["churn"] == "yes" for row in rows) / 300 < 0.5


def test_no_more_rows_are_read_than_asked_for(tmp_path):
    write_example(tmp_path / "table.csv", n=300)
    assert len(read_rows(tmp_path / "table.csv", limit=20)) == 20


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "3.5", 3.5), ("number", " ", None), ("number", "unknown", None), ("number", "1e400", None),
        ("category", "monthly", "monthly"), ("category", "", None),
    ],
)  # fmt: skip
def test_a_value_is_what_the_training_made_of_it(kind, text, value):
    columns = [Column(name="x", kind=kind, nullable=True, reference=0.0)]
    assert as_json_has_them(columns, [{"x": text, "y": "other"}]) == [{"x": value}]


def test_a_table_without_an_identifier_numbers_its_rows():
    contract = SimpleNamespace(identifier=None)
    assert key_of(contract, {}, 7) == "customer-0007"
    contract.identifier = "id"
    assert key_of(contract, {"id": "A-1"}, 7) == "A-1"
