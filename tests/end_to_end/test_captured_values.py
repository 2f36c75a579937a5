"""Values of every type that PostgreSQL has, on their way into a topic."""

from typing import Any

import pytest

from connectors.postgres_cdc import database
from schemas.topics import CUSTOMERS
from tests.end_to_end.captured import changes, emptied, rows
from tests.end_to_end.waiting import eventually, in_the_end

VALUES: dict[str, dict[str, tuple[str, Any]]] = {
    "usual": {
        "amount": ("12.5", 12.5),
        "until": ("'2026-11-30 12:00+01'", "2026-11-30T11:00:00.000000Z"),
        "born": ("'1980-02-29'", "1980-02-29Z"),
        "tariff": ("'plus'", "plus"),
        "extra": ("""'{"a": [1, {"b": null}]}'""", '{"a": [1, {"b": null}]}'),
        "numbers": ("""'{"+49 1", NULL, ""}'""", ["+49 1", None, ""]),
        "ref": ("'0b0f5b43-7a4c-4a0c-9e0e-3d8f3b5f9a11'", "0b0f5b43-7a4c-4a0c-9e0e-3d8f3b5f9a11"),
        "span": ("'1 day 00:00:01'", 86_401_000_000),
        "price": ("12.5", 12.5),
        "ratio": ("0.25", 0.25),
        "raw": (r"'\x00ff'", "AP8="),
    },
    "not a number": {"amount": ("'NaN'", "NaN"), "ratio": ("'NaN'", "NaN"), "extra": ("'null'", "null")},
    "without end": {
        "amount": ("'Infinity'", "Infinity"),
        "ratio": ("'-Infinity'", "-Infinity"),
        "until": ("'infinity'", "infinity"),
    },
    "since ever": {"until": ("'-infinity'", "-infinity"), "ratio": ("'-0'", -0.0)},
    "before Christ": {
        "until": ("'4713-01-01 00:00+00 BC'", "-4712-01-01T00:00:00.000000Z"),
        "born": ("'0044-03-15 BC'", "-0043-03-15Z"),
    },
    "far away": {"born": ("'5874897-12-31'", "+5874897-12-31Z"), "amount": ("1e-100", 1e-100)},
    "100 digits": {"amount": ("repeat('9', 100)::numeric", 1e100)},
    "1 MB": {"memo": ("repeat('x', 1000000)", "x" * 1_000_000)},
    "several MB": {"memo": ("repeat('ü', 3000000)", "ü" * 3_000_000)},
    "empty": {"memo": ("''", ""), "numbers": ("'{}'", []), "price": ("-0.01", -0.01), "span": ("'0'", 0)},
    'ü/=," 7\n': {"memo": ("'odd key'", "odd key")},
    "": {"memo": ("'empty key'", "empty key")},
}
COLUMNS = (
    "amount numeric", "until timestamptz", "born date", "tariff tariff", "extra jsonb", "numbers text[]", "ref uuid",
    "span interval", "price money", "ratio float8", "raw bytea", "memo text",
)  # fmt: skip


@pytest.fixture(scope="module")
def typed(capturing):
    emptied(capturing)
    with database.connection(capturing.layout.capture) as connection:
        connection.execute("CREATE TYPE tariff AS ENUM ('basic', 'plus')")
        connection.execute("ALTER TABLE customers " + ", ".join(f"ADD COLUMN {column}" for column in COLUMNS))
    return capturing


@pytest.fixture
def execute(typed):
    with database.connection(typed.layout.capture) as connection:
        yield connection.execute


@pytest.mark.parametrize("key", VALUES)
def test_a_value_of_any_type_arrives_and_capture_goes_on(typed, execute, key):
    values = VALUES[key]
    literals = ", ".join(literal for literal, _ in values.values()).replace("%", "%%")
    execute(f"INSERT INTO customers (customer_id, {', '.join(values)}) VALUES (%s, {literals})", [key])

    def found():
        row = (rows(typed, CUSTOMERS, key) or [{}])[-1]
        return {name: row.get(name) for name in values}

    in_the_end(found, {name: value for name, (_, value) in values.items()})


def test_values_whose_form_is_not_exact_arrive_too(typed, execute):
    """A date without end, an array of arrays: what arrives is documented, and capture goes on."""
    execute("ALTER TABLE customers ADD COLUMN grid int[][]")
    execute(
        "INSERT INTO customers (customer_id, born, grid, span) "
        "VALUES ('inexact', '-infinity', '{{1,2},{3,4}}', '178000000 years')"
    )
    eventually(lambda: rows(typed, CUSTOMERS, "inexact"))
    execute("INSERT INTO customers (customer_id) VALUES ('behind the inexact')")
    eventually(lambda: rows(typed, CUSTOMERS, "behind the inexact"))


def test_a_changed_key_is_a_deletion_and_a_new_row(typed, execute):
    execute("INSERT INTO customers (customer_id, memo) VALUES ('key-before', 'm')")
    execute("UPDATE customers SET customer_id = 'key-after' WHERE customer_id = 'key-before'")
    in_the_end(lambda: [each and each["memo"] for each in rows(typed, CUSTOMERS, "key-before")], ["m", "m", None])
    in_the_end(lambda: [each["memo"] for each in rows(typed, CUSTOMERS, "key-after")], ["m"])
    assert changes(typed)["key-before"][1]["__deleted"] == "true"


def test_an_enum_value_and_a_column_that_come_later_are_captured_without_a_restart(typed, execute):
    execute("ALTER TYPE tariff ADD VALUE 'late'")
    execute("INSERT INTO customers (customer_id, tariff) VALUES ('late', 'late')")
    execute("ALTER TABLE customers RENAME COLUMN ratio TO share")
    execute("INSERT INTO customers (customer_id, share) VALUES ('renamed', 0.5)")
    in_the_end(lambda: (rows(typed, CUSTOMERS, "late") or [{}])[-1].get("tariff"), "late")
    in_the_end(lambda: (rows(typed, CUSTOMERS, "renamed") or [{}])[-1].get("share"), 0.5)
    assert "ratio" not in rows(typed, CUSTOMERS, "renamed")[-1]


def test_a_table_that_is_not_captured_is_no_concern_even_without_a_key_or_rows(typed, execute):
    execute("CREATE TABLE other (line text)")
    execute("CREATE TABLE other_with_rows AS SELECT 1 AS line")
    execute("UPDATE other_with_rows SET line = 2")
    execute("INSERT INTO customers (customer_id) VALUES ('beside others')")
    eventually(lambda: rows(typed, CUSTOMERS, "beside others"))
    assert typed.headrace("cdc", "status").returncode == 0
