"""Change capture on PostgreSQL, Kafka Connect and Kafka, on a stack without the rest."""

import json
import runpy

import pytest
from rich.console import Console

from connectors.postgres_cdc import database
from drills import capture
from drills.environment import Environment
from schemas.topics import CUSTOMERS, DEVICES
from stack.layout import REPOSITORY
from stack.supervision import Supervision
from tests.end_to_end.captured import changes, emptied, rows
from tests.end_to_end.waiting import eventually, in_the_end

SERVERS = {"postgres", "kafka", "connect"}


@pytest.fixture(scope="module")
def captured(capturing):
    return emptied(capturing)


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
    in_the_end(lambda: rows(captured, DEVICES, "dev-1"), [first, moved, moved, None])
    deleted = [each["__deleted"] for each in changes(captured, DEVICES)["dev-1"] if each]
    assert deleted == ["false", "false", "true"]


def test_a_column_that_is_added_is_in_the_next_changes(captured, execute):
    execute("INSERT INTO customers VALUES ('before')")
    execute("ALTER TABLE customers ADD COLUMN tenure int, ADD COLUMN charges numeric(8, 2), ADD COLUMN note text")
    execute("INSERT INTO customers VALUES ('after', 3, 70.25, repeat('x', 100000))")
    execute("UPDATE customers SET tenure = 4 WHERE customer_id = 'after'")

    # So long that PostgreSQL keeps it aside: an update of another column has it all the same.
    first = {"customer_id": "after", "tenure": 3, "charges": 70.25, "note": "x" * 100000}
    in_the_end(lambda: rows(captured, CUSTOMERS, "after"), [first, first | {"tenure": 4}])
    assert rows(captured, CUSTOMERS, "before") == [{"customer_id": "before"}]


def test_a_column_that_is_dropped_is_gone_from_the_next_changes(captured, execute):
    execute("ALTER TABLE customers DROP COLUMN note")
    execute("UPDATE customers SET tenure = 5 WHERE customer_id = 'after'")
    dropped = {"customer_id": "after", "tenure": 5, "charges": 70.25}
    in_the_end(lambda: rows(captured, CUSTOMERS, "after")[-1], dropped)


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
    in_the_end(lambda: len(rows(captured, CUSTOMERS, "not asked for")), 1)

    captured.headrace("churn", "rescore", "asked for")
    in_the_end(lambda: len(rows(captured, CUSTOMERS, "asked for")), 2)
    captured.headrace("churn", "rescore")
    in_the_end(lambda: len(rows(captured, CUSTOMERS, "not asked for")), 2)
    first, *others = rows(captured, CUSTOMERS, "asked for")
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

    eventually(lambda: rows(captured, DEVICES, "while-removed"), within_s=30)


def test_the_role_of_the_image_makes_what_up_makes(captured, execute, monkeypatch, capsys):
    captured.headrace("cdc", "remove")
    role = runpy.run_path(str(REPOSITORY / "deploy" / "image" / "set_up_capture.py"))
    for name, value in captured.layout.capture.model_dump(exclude={"postgres_password"}).items():
        monkeypatch.setenv(f"HEADRACE_{name.upper()}", str(value))
    monkeypatch.setenv("HEADRACE_KAFKA", captured.endpoints.kafka)
    monkeypatch.setenv("HEADRACE_HOME", str(captured.home))
    # Connect's secrets lie elsewhere here.
    secret = f"${{file:{captured.home}/secrets/connect.properties:postgres}}"
    monkeypatch.setitem(role["main"].__globals__, "PASSWORD", secret)
    role["main"]()

    assert capsys.readouterr().out.endswith("changes are captured\n")
    execute("INSERT INTO devices VALUES ('of the role')")
    eventually(lambda: rows(captured, DEVICES, "of the role"), within_s=30)
