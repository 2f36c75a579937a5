"""Change capture on PostgreSQL, Kafka Connect and Kafka, on a stack of its own without the rest."""

import json
import runpy
from typing import Any

import pytest
from rich.console import Console

from connectors.postgres_cdc import database
from drills import capture
from drills.environment import Environment
from stack.layout import REPOSITORY
from stack.supervision import Supervision
from tests.end_to_end.captured import changes, rows
from tests.end_to_end.conftest import PORT_OFFSET, started
from tests.end_to_end.waiting import eventually, in_the_end

SERVERS = {"postgres", "kafka", "connect"}


@pytest.fixture(scope="module")
def captured():
    with started(PORT_OFFSET + 500, "--with", "postgres,connect", "--only", "connect") as stack:
        yield stack


@pytest.fixture
def execute(captured):
    with database.connection(captured.layout.capture) as connection:
        yield connection.execute


def test_only_what_was_asked_for_runs(captured):
    states = {name: info["statename"] for name, info in Supervision(captured.layout).processes().items()}
    assert {name for name, state in states.items() if state == "RUNNING"} == SERVERS


def test_each_change_of_a_row_is_a_record_in_its_order(captured, execute):
    execute("INSERT INTO devices VALUES ('dev-1', 'Berlin', 'm1', NULL)")
    execute("UPDATE devices SET site = 'Köln' WHERE device = 'dev-1'")
    execute("DELETE FROM devices WHERE device = 'dev-1'")

    first = {"device": "dev-1", "site": "Berlin", "model": "m1", "owner": None}
    moved = first | {"site": "Köln"}
    in_the_end(lambda: rows(captured, "devices", "dev-1"), [first, moved, moved, None])
    deleted = [each["__deleted"] for each in changes(captured, "devices")["dev-1"] if each]
    assert deleted == ["false", "false", "true"]


def test_a_column_that_is_added_is_in_the_next_changes(captured, execute):
    execute("INSERT INTO customers VALUES ('before')")
    execute("ALTER TABLE customers ADD COLUMN tenure int, ADD COLUMN charges numeric(8, 2), ADD COLUMN note text")
    execute("INSERT INTO customers VALUES ('after', 3, 70.25, repeat('x', 100000))")
    execute("UPDATE customers SET tenure = 4 WHERE customer_id = 'after'")

    # So long that PostgreSQL keeps it aside: an update of another column has it all the same.
    first = {"customer_id": "after", "tenure": 3, "charges": 70.25, "note": "x" * 100000}
    in_the_end(lambda: rows(captured, "customers", "after"), [first, first | {"tenure": 4}])
    assert rows(captured, "customers", "before") == [{"customer_id": "before"}]


def test_a_column_that_is_dropped_is_gone_from_the_next_changes(captured, execute):
    execute("ALTER TABLE customers DROP COLUMN note")
    execute("UPDATE customers SET tenure = 5 WHERE customer_id = 'after'")
    dropped = {"customer_id": "after", "tenure": 5, "charges": 70.25}
    in_the_end(lambda: rows(captured, "customers", "after")[-1], dropped)


@pytest.mark.parametrize("drill", capture.DRILLS, ids=[drill.name for drill in capture.DRILLS])
def test_a_change_is_there_once_whoever_is_killed(captured, drill):
    result = capture.run(drill, Environment(captured.layout, Console(quiet=True), disposable=False), print)

    assert result.problems == ()
    assert result.acknowledged == result.sent > 0
    assert result.counts.most_lost == result.counts.most_doubled == result.out_of_order == 0


def test_rows_come_once_more_when_asked_for_and_the_table_is_left_alone(captured, execute):
    execute("INSERT INTO customers (customer_id) VALUES ('asked for'), ('not asked for')")
    touched = "SELECT xmin::text, ctid::text FROM customers WHERE customer_id = 'asked for'"
    before = execute(touched).fetchone()
    in_the_end(lambda: len(rows(captured, "customers", "not asked for")), 1)

    captured.headrace("churn", "rescore", "asked for")
    in_the_end(lambda: len(rows(captured, "customers", "asked for")), 2)
    captured.headrace("churn", "rescore")
    in_the_end(lambda: len(rows(captured, "customers", "not asked for")), 2)
    first, *others = rows(captured, "customers", "asked for")
    assert others == [first, first]
    assert execute(touched).fetchone() == before


def test_a_customer_who_is_not_there_is_said(captured):
    done = captured.headrace("churn", "rescore", "nobody", check=False)
    assert done.returncode == 1
    assert "of 1 customers only 0 are in the table" in done.stderr


def test_status_says_that_it_runs_and_what_waits(captured):
    shown = json.loads(captured.headrace("cdc", "status", "--json").stdout)
    assert (shown["connector"], shown["task"], shown["slot"]) == ("RUNNING", "RUNNING", "active")


def test_a_quiet_table_holds_no_log_back(captured, execute):
    """Other tables write; the heartbeat moves the slot on all the same."""
    execute("CREATE TABLE IF NOT EXISTS elsewhere (line text)")
    execute("INSERT INTO elsewhere SELECT repeat('x', 1000) FROM generate_series(1, 20000)")

    eventually(lambda: database.slot(captured.layout.capture).held_bytes < 1_000_000)


def test_the_connector_is_removed_with_its_slot_and_the_next_up_takes_a_snapshot(captured, execute):
    said = captured.headrace("cdc", "remove").stdout
    assert said == "The connector is removed.\nThe replication slot is removed.\n"
    assert database.slot(captured.layout.capture) is None
    assert captured.headrace("cdc", "status", check=False).returncode == 1
    execute("INSERT INTO devices VALUES ('while-removed')")
    captured.headrace("up", "--only", "connect")

    eventually(lambda: rows(captured, "devices", "while-removed"), within_s=30)


def test_the_role_of_the_image_makes_what_up_makes(captured, execute, monkeypatch, capsys):
    captured.headrace("cdc", "remove")
    role = runpy.run_path(str(REPOSITORY / "deploy" / "image" / "set_up_capture.py"))
    for name, value in captured.layout.capture.model_dump(exclude={"postgres_password"}).items():
        monkeypatch.setenv(f"HEADRACE_{name.upper()}", str(value))
    monkeypatch.setenv("HEADRACE_HOME", str(captured.home))
    # Connect's secrets lie elsewhere here.
    secret = f"${{file:{captured.home}/secrets/connect.properties:postgres}}"
    monkeypatch.setitem(role["main"].__globals__, "PASSWORD", secret)
    role["main"]()

    assert capsys.readouterr().out == "changes are captured\n"
    execute("INSERT INTO devices VALUES ('of the role')")
    eventually(lambda: rows(captured, "devices", "of the role"), within_s=30)


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
def typed(captured):
    with database.connection(captured.layout.capture) as connection:
        connection.execute("CREATE TYPE tariff AS ENUM ('basic', 'plus')")
        connection.execute("ALTER TABLE customers " + ", ".join(f"ADD COLUMN {column}" for column in COLUMNS))
    return captured


@pytest.mark.parametrize("key", VALUES)
def test_a_value_of_any_type_arrives_and_capture_goes_on(typed, execute, key):
    values = VALUES[key]
    literals = ", ".join(literal for literal, _ in values.values()).replace("%", "%%")
    execute(f"INSERT INTO customers (customer_id, {', '.join(values)}) VALUES (%s, {literals})", [key])

    def found():
        return {name: (rows(typed, "customers", key) or [{}])[-1].get(name) for name in values}

    in_the_end(found, {name: value for name, (_, value) in values.items()})


def test_values_whose_form_is_not_exact_arrive_too(typed, execute):
    """A date without end, an array of arrays: what arrives is documented, and capture goes on."""
    execute("ALTER TABLE customers ADD COLUMN grid int[][]")
    execute(
        "INSERT INTO customers (customer_id, born, grid, span) "
        "VALUES ('inexact', '-infinity', '{{1,2},{3,4}}', '178000000 years')"
    )
    eventually(lambda: rows(typed, "customers", "inexact"))
    execute("INSERT INTO customers (customer_id) VALUES ('behind the inexact')")
    eventually(lambda: rows(typed, "customers", "behind the inexact"))


def test_a_changed_key_is_a_deletion_and_a_new_row(typed, execute):
    execute("INSERT INTO customers (customer_id, memo) VALUES ('key-before', 'm')")
    execute("UPDATE customers SET customer_id = 'key-after' WHERE customer_id = 'key-before'")
    in_the_end(lambda: [each and each["memo"] for each in rows(typed, "customers", "key-before")], ["m", "m", None])
    in_the_end(lambda: [each["memo"] for each in rows(typed, "customers", "key-after")], ["m"])
    assert changes(typed)["key-before"][1]["__deleted"] == "true"


def test_an_enum_value_and_a_column_that_come_later_are_captured_without_a_restart(typed, execute):
    execute("ALTER TYPE tariff ADD VALUE 'late'")
    execute("INSERT INTO customers (customer_id, tariff) VALUES ('late', 'late')")
    execute("ALTER TABLE customers RENAME COLUMN ratio TO share")
    execute("INSERT INTO customers (customer_id, share) VALUES ('renamed', 0.5)")
    in_the_end(lambda: (rows(typed, "customers", "late") or [{}])[-1].get("tariff"), "late")
    in_the_end(lambda: (rows(typed, "customers", "renamed") or [{}])[-1].get("share"), 0.5)
    assert "ratio" not in rows(typed, "customers", "renamed")[-1]


def test_a_table_that_is_not_captured_is_no_concern_even_without_a_key_or_rows(typed, execute):
    execute("CREATE TABLE other (line text)")
    execute("CREATE TABLE other_with_rows AS SELECT 1 AS line")
    execute("UPDATE other_with_rows SET line = 2")
    execute("INSERT INTO customers (customer_id) VALUES ('beside others')")
    eventually(lambda: rows(typed, "customers", "beside others"))
    assert typed.headrace("cdc", "status").returncode == 0
