"""What is said of tables, slot, connector and heartbeat, and what is not."""

import pytest

from connectors.postgres_cdc import NotCaughtUp, inspection
from connectors.postgres_cdc.connector import ConnectorState
from connectors.postgres_cdc.database import Note, Slot, TableState
from connectors.postgres_cdc.heartbeats import Heartbeat
from connectors.postgres_cdc.reconciliation import require_caught_up
from connectors.postgres_cdc.tables import CAPTURED, CUSTOMERS_TABLE

WELL = TableState(
    oid=16400,
    is_table=True,
    has_key_column=True,
    has_unique_key=True,
    has_full_identity=True,
    has_truncate_trigger=True,
    is_readable=True,
    hides_rows=False,
    is_published=True,
)
NOTE = Note("customers", 16400, "customers", 3600.0, None, None, 0)
RUNS = ConnectorState("RUNNING", "RUNNING")


def table_faults(state, note=NOTE):
    return [fault.wrong for fault in inspection.of_table(CUSTOMERS_TABLE, state, note)]


def test_what_is_as_it_should_be_is_no_fault():
    assert table_faults(WELL) == table_faults(WELL, None) == []
    assert list(inspection.of_slot(Slot(True, 200, 4000))) == []
    assert list(inspection.of_connector(RUNS, ())) == []
    assert list(inspection.of_heartbeat(Heartbeat(1000.0, 7), 1059.0, 9999.0)) == []
    assert list(inspection.of_heartbeat(None, 1059.0, 20.0)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"is_table": False}, "is no table"),
        ({"has_key_column": False}, "without the column customer_id"),
        ({"has_unique_key": False}, "no primary key on customer_id alone"),
        ({"has_full_identity": False}, "REPLICA IDENTITY of public.customers is not FULL"),
        ({"has_truncate_trigger": False}, "a TRUNCATE would not be noticed"),
        ({"is_readable": False}, "the role of the connector may not read public.customers"),
        ({"hides_rows": True}, "row-level security hides rows"),
        ({"is_published": False}, "lacks public.customers"),
        ({"oid": 16999}, "was dropped and created again"),
    ],
)
def test_each_fault_of_a_table_is_one_line(changes, said):
    (wrong,) = table_faults(WELL._replace(**changes))
    assert said in wrong
    assert "\n" not in wrong


def test_a_table_that_is_not_there_is_said_with_where_it_went():
    assert table_faults(None, None) == ["there is no table public.customers"]
    assert table_faults(None, NOTE._replace(now_named=None)) == ["there is no table public.customers"]
    (moved,) = inspection.of_table(CUSTOMERS_TABLE, None, NOTE._replace(now_named="archive.customers"))
    assert moved.wrong.endswith("what was captured is now archive.customers")
    assert "ALTER TABLE archive.customers" in moved.next


def test_what_the_topic_lacks_is_said_until_it_is_brought_there():
    (wrong,) = table_faults(WELL, NOTE._replace(refresh="deletions", reason="it was truncated"))
    assert wrong == "the topic of public.customers may have rows that are gone: it was truncated"
    (wrong,) = table_faults(WELL, NOTE._replace(refresh="rows", reason="it was dropped and created again"))
    assert "may lack rows" in wrong


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        (None, "there is no replication slot"),
        (Slot(False, 0, 0, lost=True), "has removed log"),
        (Slot(False, 0, 0), "no connector reads"),
    ],
)
def test_a_slot_that_is_gone_or_lost_or_unread_is_a_fault(slot, said):
    (fault,) = inspection.of_slot(slot)
    assert said in fault.wrong


@pytest.mark.parametrize("state", ["FAILED", "PAUSED", "STOPPED", "UNASSIGNED", "MISSING"])
def test_a_connector_that_does_not_run_is_a_fault(state):
    (fault,) = inspection.of_connector(ConnectorState(state, "MISSING"), ())
    assert state in fault.wrong or "has no connector" in fault.wrong
    (task,) = inspection.of_connector(ConnectorState("RUNNING", state, "why"), ())
    assert task.wrong == f"the connector is RUNNING, its task {state}. why"


def test_a_row_that_is_too_large_says_what_to_do_about_it():
    trace = "org.apache.kafka.common.errors.RecordTooLargeException: The message is 9000000 bytes"
    (fault,) = inspection.of_connector(ConnectorState("RUNNING", "FAILED", trace, on_record=True), ())
    assert fault.next == "make that row smaller, then headrace cdc remove, headrace up"


def test_a_record_that_fails_the_task_is_left_out_by_beginning_again_since_a_restart_reads_it_again():
    failed = ConnectorState("RUNNING", "FAILED", "Cannot create field because of field name duplication x", True)
    (fault,) = inspection.of_connector(failed, ())
    assert fault.next == "change that row or column, then headrace cdc remove, headrace up"
    (other,) = inspection.of_connector(ConnectorState("RUNNING", "FAILED", "password authentication failed"), ())
    assert other.next.endswith(inspection.REPAIR)


def test_changed_settings_are_named_and_many_are_counted():
    (fault,) = inspection.of_connector(RUNS, ("slot.name=other",))
    assert fault.wrong == "the connector has other settings than it should have: slot.name=other"
    (fault,) = inspection.of_connector(RUNS, tuple(f"setting.{n}={'x' * 5000}" for n in range(40)))
    assert fault.wrong.endswith(" and 37 more")
    assert len(fault.wrong) < 400


def test_a_heartbeat_that_stays_out_is_a_fault():
    (fault,) = inspection.of_heartbeat(Heartbeat(1000.0, 7), 1061.0, 5.0)
    assert fault.wrong.startswith("no heartbeat of PostgreSQL has arrived in Kafka for 61 s")
    assert list(inspection.of_heartbeat(None, 5000.0, 61.0))


@pytest.mark.parametrize("table", CAPTURED, ids=lambda table: table.name)
def test_every_fault_says_what_to_do_next(table):
    worst = WELL._replace(
        oid=1, has_unique_key=False, has_full_identity=False, has_truncate_trigger=False, is_readable=False,
        hides_rows=True, is_published=False,
    )  # fmt: skip
    faults = [*inspection.of_table(table, worst, NOTE), *inspection.of_table(table, None, None)]
    faults += [*inspection.of_slot(None), *inspection.of_connector(ConnectorState("MISSING", "MISSING"), ("a=b",))]
    assert len(faults) >= 10
    assert all(fault.next and "\n" not in fault.next for fault in faults)


def test_the_connector_has_caught_up_once_a_later_heartbeat_arrived():
    require_caught_up(20, 20)
    for newest in (None, 19):
        with pytest.raises(NotCaughtUp):
            require_caught_up(newest, 20)
