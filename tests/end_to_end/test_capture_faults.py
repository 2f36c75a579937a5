"""What keeps changes from being captured: `status` says it, `repair` mends it, and no row is missed meanwhile."""

import json
import time
from functools import partial

import httpx
import psutil
import pytest
from pydantic import SecretStr

from connectors.postgres_cdc import ConnectUnavailable, DatabaseRefuses, RowsNotRead, connector, database, rereads
from connectors.postgres_cdc.inspection import inspect
from connectors.postgres_cdc.settings import CaptureSettings
from connectors.postgres_cdc.tables import ADDED_COLUMNS, CUSTOMERS_TABLE
from schemas.topics import CUSTOMERS, DEVICES
from schemas.unavailable_values import PLACEHOLDER, known_columns
from stack.supervision import Supervision
from tests.end_to_end.captured import changes, emptied, rows
from tests.end_to_end.waiting import eventually, in_the_end

ANEW = "CREATE TABLE customers (customer_id text PRIMARY KEY, note text)"


@pytest.fixture(scope="module")
def captured(capturing):
    return emptied(capturing)


@pytest.fixture
def execute(captured):
    with database.connection(captured.layout.capture) as connection:
        connection.execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS note text")
        yield connection.execute


@pytest.fixture
def connect(captured):
    """Kafka Connect's REST API, as somebody else uses it."""
    with httpx.Client(base_url=f"http://{captured.layout.capture.connect}/connectors/headrace", timeout=20) as client:
        yield client


@pytest.fixture
def key():
    """Of a customer that no other test names."""
    return f"customer-{time.time_ns()}"


def wrong(stack):
    """What `headrace cdc status` names, one text for each fault."""
    return [fault.wrong for fault in inspect(stack.layout.capture, stack.endpoints.kafka)]


def repaired(stack):
    done = stack.headrace("cdc", "repair")
    assert done.stdout.endswith("Changes are captured.\n")
    assert wrong(stack) == []
    return done.stdout


def filled(stack, key):
    """The newest row, if there is one, without its nulls: tests before may have added columns to the table."""
    row = newest(stack, key) if is_in_the_topic(stack, key) else {}
    return {name: value for name, value in row.items() if value is not None}


def newest(stack, key):
    return (rows(stack, CUSTOMERS, key) or ["nothing"])[-1]


def is_in_the_topic(stack, key):
    return newest(stack, key) not in (None, "nothing")


def paused(connect, stack, verb, state):
    connect.put(f"/{verb}").raise_for_status()
    eventually(lambda: connector.state(stack.layout.capture).connector == state)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (("DROP TABLE customers", ANEW), "lacks public.customers"),
        (("ALTER TABLE customers RENAME TO customers_before", ANEW), "lacks public.customers"),
        (
            ("DROP TABLE customers", ANEW, "ALTER TABLE customers REPLICA IDENTITY FULL",
             "ALTER PUBLICATION headrace ADD TABLE customers"),
            "public.customers was dropped and created again",
        ),
        (("ALTER PUBLICATION headrace DROP TABLE customers",), "lacks public.customers"),
        (
            ("ALTER PUBLICATION headrace DROP TABLE customers",
             "ALTER PUBLICATION headrace ADD TABLE customers WHERE (customer_id < 'b')"),
            "lacks public.customers",
        ),
        (
            ("ALTER PUBLICATION headrace DROP TABLE customers",
             "ALTER PUBLICATION headrace ADD TABLE customers (customer_id)"),
            "lacks public.customers",
        ),
        (("ALTER PUBLICATION headrace SET (publish = 'insert')",), "leaves out inserts, updates or deletes"),
        (("ALTER TABLE customers REPLICA IDENTITY DEFAULT",), "REPLICA IDENTITY of public.customers is not FULL"),
        (("ALTER TABLE customers REPLICA IDENTITY NOTHING",), "is not FULL"),
        (("DROP TRIGGER headrace_truncate ON customers",), "has no trigger headrace_truncate"),
        (("DROP TABLE headrace_heartbeat",), "public.headrace_heartbeat is not there"),
        (("DROP TABLE headrace_signals",), "public.headrace_signals is not there"),
        (("DROP TABLE headrace_captured",), None),
    ],
)  # fmt: skip
def test_what_sql_breaks_is_named_and_repaired_and_rows_written_meanwhile_arrive(
    captured, execute, key, statements, said
):
    if "customers_before" in str(statements):
        execute("DROP TABLE IF EXISTS customers_before")
    for statement in statements:
        execute(statement)
    execute("INSERT INTO customers (customer_id, note) VALUES (%s, 'meanwhile')", [f"{key}-meanwhile"])
    if said is not None:
        assert any(said in each for each in wrong(captured))
        assert captured.headrace("cdc", "status", check=False).returncode == 1

    repaired(captured)
    execute("INSERT INTO customers (customer_id, note) VALUES (%s, 'after')", [f"{key}-after"])
    for written in ("meanwhile", "after"):
        in_the_end(
            partial(newest, captured, f"{key}-{written}"),
            {"customer_id": f"{key}-{written}", "note": written},
        )


def test_a_publication_that_is_gone_is_made_again_and_no_row_is_missed(captured, execute, key):
    execute("DROP PUBLICATION headrace")
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    assert "there is no publication headrace" in wrong(captured)
    repaired(captured)
    eventually(lambda: is_in_the_topic(captured, key), within_s=60)


@pytest.mark.parametrize("statement", ["DROP TABLE customers", "TRUNCATE customers"])
def test_rows_that_go_with_their_table_are_deleted_from_the_topic(captured, execute, key, statement):
    """DROP TABLE and TRUNCATE log no row that goes."""
    gone, stays = f"{key}-gone", f"{key}-stays"
    execute("INSERT INTO customers (customer_id) VALUES (%s), (%s)", [gone, stays])
    eventually(lambda: is_in_the_topic(captured, gone) and is_in_the_topic(captured, stays))
    execute(statement)
    if "DROP" in statement:
        execute(ANEW)
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [stays])
    assert any("gone" in each or "lacks public.customers" in each for each in wrong(captured))

    repaired(captured)
    deleted, tombstone = changes(captured)[gone][-2:]
    assert (deleted["customer_id"], deleted["__deleted"], tombstone) == (gone, "true", None)
    assert deleted["__source_lsn"] > 0 < deleted["__source_ts_ms"]
    eventually(lambda: is_in_the_topic(captured, stays), within_s=30)


@pytest.mark.parametrize(
    ("away", "back"),
    [
        (("CREATE SCHEMA IF NOT EXISTS archive", "ALTER TABLE customers SET SCHEMA archive"),
         "ALTER TABLE archive.customers SET SCHEMA public"),
        (("ALTER TABLE customers RENAME TO clients",), "ALTER TABLE clients RENAME TO customers"),
    ],
)  # fmt: skip
def test_a_table_that_is_elsewhere_is_named_and_nothing_is_put_in_its_place(captured, execute, key, away, back):
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    eventually(lambda: is_in_the_topic(captured, key))
    for statement in away:
        execute(statement)
    (said,) = wrong(captured)
    assert said.startswith("there is no table public.customers; what was captured is now ")
    done = captured.headrace("cdc", "repair", check=False)
    assert done.returncode == 1
    assert "there is no table public.customers" in done.stdout
    execute(back)
    repaired(captured)
    assert is_in_the_topic(captured, key)


def test_a_table_made_from_a_query_has_no_key_and_is_captured_all_the_same(captured, execute, key):
    execute("CREATE TABLE copied AS SELECT * FROM customers")
    execute("DROP TABLE customers")
    execute("ALTER TABLE copied RENAME TO customers")
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    done = captured.headrace("cdc", "repair", check=False)
    assert "no primary key on customer_id alone" in done.stdout
    assert "ALTER TABLE public.customers ADD PRIMARY KEY (customer_id)" in done.stdout
    execute("UPDATE customers SET note = 'changed' WHERE customer_id = %s", [key])
    in_the_end(lambda: newest(captured, key), {"customer_id": key, "note": "changed"})
    assert connector.state(captured.layout.capture).runs
    execute("ALTER TABLE customers ADD PRIMARY KEY (customer_id)")
    eventually(lambda: wrong(captured) == [], within_s=30)


def test_a_slot_that_was_dropped_is_begun_anew_and_rows_of_the_gap_arrive(captured, execute, connect, key):
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [f"{key}-deleted"])
    eventually(lambda: is_in_the_topic(captured, f"{key}-deleted"))
    paused(connect, captured, "stop", "STOPPED")
    eventually(lambda: database.drop_slot(captured.layout.capture) or True)
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    execute("DELETE FROM customers WHERE customer_id = %s", [f"{key}-deleted"])
    assert any("there is no replication slot headrace" in each for each in wrong(captured))

    repaired(captured)
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)
    assert newest(captured, f"{key}-deleted") is None


@pytest.mark.parametrize("made_anew", [False, True])
def test_a_slot_that_is_dropped_beneath_the_connector_passes_over_nothing(captured, execute, key, made_anew):
    """The connector comes back by itself, and would go on from where the log is now."""
    execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'headrace'")
    eventually(lambda: database.drop_slot(captured.layout.capture) or True)
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    if made_anew:
        execute("SELECT pg_create_logical_replication_slot('headrace', 'pgoutput')")
    eventually(lambda: any("what the connector has not read" in each for each in wrong(captured)))

    repaired(captured)
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)


@pytest.mark.parametrize(("verb", "state"), [("pause", "PAUSED"), ("stop", "STOPPED")])
def test_a_connector_that_was_halted_is_named_and_resumed(captured, execute, connect, key, verb, state):
    paused(connect, captured, verb, state)
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    assert any(f"the connector is {state}" in each for each in wrong(captured))
    repaired(captured)
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)


def test_a_connector_that_is_gone_is_made_again_and_goes_on_where_it_was(captured, execute, connect, key):
    connect.delete("").raise_for_status()
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    eventually(lambda: any("Kafka Connect has no connector headrace" in each for each in wrong(captured)))
    repaired(captured)
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)


@pytest.mark.parametrize("has_failed", [False, True], ids=["before it fails", "when it has failed"])
def test_a_connector_with_another_slot_is_put_back_and_needs_no_snapshot(captured, execute, connect, key, has_failed):
    there = connect.get("/config").json()
    connect.put("/config", json=there | {"slot.name": "other"}).raise_for_status()
    eventually(lambda: any("slot.name=other" in each for each in wrong(captured)))
    if has_failed:  # there is no slot of that name, so PostgreSQL kept nothing for it
        eventually(lambda: connector.state(captured.layout.capture).lost_its_place, within_s=60)
    assert repaired(captured) == "Changes are captured.\n"
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)
    execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'other'")


def test_a_lock_that_is_held_is_said_and_the_table_is_repaired_once_it_is_free(captured, execute, key):
    execute("ALTER TABLE customers REPLICA IDENTITY DEFAULT")
    with database.connection(captured.layout.capture) as other, other.transaction():
        other.execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
        done = captured.headrace("cdc", "repair", check=False)
    assert done.returncode == 1
    assert "another transaction has kept public.customers locked for 10 s" in " ".join(done.stderr.split())
    repaired(captured)
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)


def test_a_role_that_does_not_own_the_table_is_told_so(captured, execute, key):
    execute("ALTER TABLE customers REPLICA IDENTITY DEFAULT")
    execute(f"CREATE ROLE \"{key}\" LOGIN PASSWORD 'secret'")
    execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{key}"')
    endpoints = captured.layout.capture.model_copy(
        update={"postgres_user": key, "postgres_password": SecretStr("secret")}
    )
    with pytest.raises(DatabaseRefuses, match=r"must be owner|permission denied"):
        database.prepare(endpoints)
    execute(f'REVOKE SELECT ON customers FROM "{key}"')
    said = [fault.wrong for fault in inspect(endpoints, captured.endpoints.kafka)]
    assert any("may not read public.customers" in each for each in said)
    repaired(captured)


def test_up_repairs_as_well(captured, execute, key):
    execute("DROP TABLE customers")
    execute(ANEW)
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    captured.headrace("up", "--only", "connect")
    assert wrong(captured) == []
    eventually(lambda: is_in_the_topic(captured, key), within_s=30)


LARGE = {
    "a_text": ("text", "repeat('lorem ', 2000)"),
    "a_bytea": ("bytea", "decode(repeat('00ff', 5000), 'hex')"),
    "a_jsonb": ("jsonb", "(SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 500) n)"),
    "texts": ("text[]", "ARRAY(SELECT 'tag-' || n FROM generate_series(1, 2000) n)"),
    "bigs": ("bigint[]", "ARRAY(SELECT n::bigint FROM generate_series(1, 2000) n)"),
    "a_store": ("hstore", "(SELECT hstore(array_agg('k' || n), array_agg('v' || n)) FROM generate_series(1, 2000) n)"),
}


def test_a_large_value_is_itself_whatever_the_replica_identity_is(captured, execute, key):
    execute("CREATE EXTENSION IF NOT EXISTS hstore")
    for name, (type_, _) in LARGE.items():
        execute(f"ALTER TABLE customers ADD COLUMN {name} {type_}")
        execute(f"ALTER TABLE customers ALTER COLUMN {name} SET STORAGE EXTERNAL")
    execute("ALTER TABLE customers REPLICA IDENTITY DEFAULT")
    values = ", ".join(value for _, value in LARGE.values())
    execute(f"INSERT INTO customers (customer_id, {', '.join(LARGE)}) VALUES (%s, {values})", [key])
    execute("UPDATE customers SET note = 'changed' WHERE customer_id = %s", [key])

    in_the_end(lambda: filled(captured, key).get("note"), "changed")
    first, changed = rows(captured, CUSTOMERS, key)
    assert changed == first | {"note": "changed"}
    repaired(captured)


def test_a_large_value_that_cannot_be_read_is_no_value_for_a_reader(captured, execute, connect, key):
    """The row is gone before the connector reads it, or it is an array of uuid."""
    execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS ids uuid[]")
    execute("ALTER TABLE customers ALTER COLUMN ids SET STORAGE EXTERNAL, ALTER COLUMN note SET STORAGE EXTERNAL")
    execute("ALTER TABLE customers REPLICA IDENTITY DEFAULT")
    ids = "ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 500))"
    execute(f"INSERT INTO customers (customer_id, ids, note) VALUES (%s, {ids}, repeat('x', 9000))", [key])
    eventually(lambda: is_in_the_topic(captured, key))
    execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS months int")
    with database.connection(captured.layout.capture) as other, other.transaction():
        other.execute("UPDATE customers SET months = 2 WHERE customer_id = %s", [key])
        other.execute("DELETE FROM customers WHERE customer_id = %s", [key])

    in_the_end(lambda: newest(captured, key), None)
    changed = next(value for value in changes(captured)[key] if value and value.get("months") == 2)
    assert PLACEHOLDER in json.dumps(changed), "nothing was unavailable: the test tests nothing"
    known = json.loads(known_columns(json.dumps(changed, separators=(",", ":")).encode()))
    assert {name for name, value in known.items() if value is not None} & {"ids", "note"} == set()
    repaired(captured)


def test_a_heartbeat_that_does_not_arrive_is_named_though_all_else_is_well(captured, execute):
    execute("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    execute(
        "CREATE TRIGGER swallow BEFORE INSERT OR UPDATE ON headrace_heartbeat FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    endpoints, kafka = captured.layout.capture, captured.endpoints.kafka
    late = max(3.0, 3 * CaptureSettings().heartbeat_ms / 1000)
    eventually(lambda: any("no heartbeat" in fault.wrong for fault in inspect(endpoints, kafka, late)))
    execute("DROP FUNCTION swallow CASCADE")
    eventually(lambda: inspect(endpoints, kafka, late) == [])


def test_rows_are_read_again_although_connect_was_killed_and_a_column_has_an_odd_name(captured, execute, key):
    execute("INSERT INTO customers (customer_id, note) VALUES (%s, 'before')", [key])
    eventually(lambda: is_in_the_topic(captured, key))
    execute("ALTER TABLE customers REPLICA IDENTITY DEFAULT")
    execute("UPDATE customers SET note = 'changed' WHERE customer_id = %s", [key])
    execute('ALTER TABLE customers RENAME COLUMN note TO "odd""na me"')
    psutil.Process(Supervision(captured.layout).process("connect")["pid"]).kill()
    execute("INSERT INTO customers (customer_id) SELECT %s || n FROM generate_series(1, 500) n", [f"{key}-"])
    eventually(lambda: connector_runs(captured))

    assert "Rows that were read again" in repaired(captured)
    assert filled(captured, key) == {"customer_id": key, 'odd"na me': "changed"}
    assert sum(each.startswith(f"{key}-") for each in changes(captured)) == 500
    seen = len(rows(captured, CUSTOMERS, key))
    assert "1 rows of customers were read again" in captured.headrace("churn", "rescore", key).stdout
    assert len(rows(captured, CUSTOMERS, key)) == seen + 1
    execute('ALTER TABLE customers DROP COLUMN "odd""na me"')


def connector_runs(stack):
    try:
        return connector.state(stack.layout.capture).runs
    except ConnectUnavailable:
        return False


def test_an_incremental_snapshot_that_is_stuck_is_named_and_a_repair_reads_all_rows_anew(captured, execute, key):
    """The window of a chunk is closed by a deletion; without it, Debezium waits for ever, and changes flow on."""
    execute("INSERT INTO customers (customer_id) VALUES (%s)", [key])
    eventually(lambda: is_in_the_topic(captured, key))
    execute("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    execute("CREATE TRIGGER keep BEFORE DELETE ON headrace_signals FOR EACH ROW EXECUTE FUNCTION keep()")
    endpoints, kafka = captured.layout.capture, captured.endpoints.kafka
    with pytest.raises(RowsNotRead, match="no progress for 3 s"):
        rereads.read_again(endpoints, kafka, CUSTOMERS_TABLE, within_s=60, stalls_after_s=3)
    assert "has made no progress" in rereads.what_stopped(rereads.notifications(kafka), time.time(), 2)
    execute("DROP FUNCTION keep CASCADE")
    seen = len(rows(captured, CUSTOMERS, key))
    eventually(lambda: any("incremental snapshot has made no progress" in each for each in wrong(captured)), 90)

    assert "begins again with a snapshot of all rows" in repaired(captured)
    eventually(lambda: len(rows(captured, CUSTOMERS, key)) > seen)
    assert "1 rows of customers were read again" in captured.headrace("churn", "rescore", key).stdout


def test_columns_that_are_named_like_the_fields_of_a_record_stop_no_table(captured, execute, key):
    for name in ADDED_COLUMNS:
        execute(f"ALTER TABLE customers ADD COLUMN {name} text DEFAULT 'of the table'")
    execute("INSERT INTO customers (customer_id, note) VALUES (%s, 'kept')", [key])
    execute("INSERT INTO devices (device) VALUES (%s)", [key])
    in_the_end(lambda: filled(captured, key), {"customer_id": key, "note": "kept"})
    eventually(lambda: rows(captured, DEVICES, key))
    row = changes(captured)[key][-1]
    assert row["__deleted"] == "false"
    assert row["__source_lsn"] > 0
    assert "1 rows of customers were read again" in captured.headrace("churn", "rescore", key).stdout
    assert wrong(captured) == []
    for name in ADDED_COLUMNS:
        execute(f"ALTER TABLE customers DROP COLUMN {name}")


def test_a_record_that_fails_the_task_is_named_by_up_and_repair_with_the_advice_that_works(captured, execute, key):
    execute("INSERT INTO customers (customer_id, note) VALUES (%s, repeat('x', 9 * 1024 * 1024))", [key])
    eventually(lambda: any("its task FAILED" in each for each in wrong(captured)))
    execute("DELETE FROM customers WHERE customer_id = %s", [key])
    for command in (("up", "--only", "connect"), ("cdc", "repair")):
        done = captured.headrace(*command, check=False)
        assert done.returncode == 1, f"{command}: {connector.state(captured.layout.capture)}"
        assert "headrace cdc remove, headrace up" in " ".join((done.stdout + done.stderr).split()), command
    captured.headrace("cdc", "remove")
    captured.headrace("up", "--only", "connect")
    eventually(lambda: wrong(captured) == [])
