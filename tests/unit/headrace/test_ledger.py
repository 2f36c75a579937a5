"""The ledger: the file that balances go on from."""

import sqlite3
from contextlib import suppress

import pytest

from headrace.errors import LedgerUnusable
from headrace.reconciliation import ledger as ledger_module
from headrace.reconciliation.ledger import LedgerFile
from tests.unit.headrace.balance_topics import (
    READINGS,
    WINDOWS,
    InMemoryPoints,
    InMemoryStates,
    Topics,
    position,
    reading,
    window,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "balance.sqlite"


def killed():
    return suppress(KeyboardInterrupt)


def test_a_balance_goes_on_where_the_last_one_stopped(path):
    with LedgerFile(path).balance() as ledger:
        Topics(ledger).messages(3)
    with LedgerFile(path).balance() as ledger:
        assert ledger.positions == {("telemetry.raw", 0): 3}
        assert ledger.totals.messages == 3
        assert list(ledger.messages.missing()) == [(0, 0, 2)]


def test_a_balance_that_fails_leaves_the_ledger_as_it_was(path):
    with LedgerFile(path).balance() as ledger:
        Topics(ledger).messages(1)
    with killed(), LedgerFile(path).balance() as ledger:
        Topics(ledger).holds(READINGS, reading(position(0)))
        raise KeyboardInterrupt
    with LedgerFile(path).balance() as ledger:
        assert (ledger.totals.messages, ledger.totals.readings, ledger.points.open()) == (1, 0, 0)


def test_a_step_that_fails_is_undone_alone(path):
    with LedgerFile(path).balance() as ledger:
        ledger.compare_from_ms = 1
        with killed(), ledger.step():
            ledger.compare_from_ms = 2
            raise KeyboardInterrupt
    with LedgerFile(path).balance() as ledger:
        assert ledger.compare_from_ms == 1


def test_without_a_path_the_ledger_lives_as_long_as_its_object():
    file = LedgerFile()
    with file.balance() as ledger:
        Topics(ledger).messages(1)
    with file.balance() as ledger:
        assert ledger.totals.messages == 1


def test_a_ledger_of_another_version_names_the_way_out(path):
    with LedgerFile(path).balance():
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(LedgerUnusable, match=r"version 999.*headrace balance --full"), LedgerFile(path).balance():
        pass


def test_a_damaged_ledger_names_the_way_out(path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerUnusable, match=r"damaged.*headrace balance --full"), LedgerFile(path).balance():
        pass


def test_a_ledger_that_is_begun_anew_knows_nothing_and_goes_on_from_there(path):
    with LedgerFile(path).balance() as ledger:
        Topics(ledger).messages(1)
    file = LedgerFile(path, start_over=True)
    with file.balance() as ledger:
        assert ledger.positions == {}
        Topics(ledger).messages(2)
    with file.balance() as ledger:
        assert ledger.totals.messages == 2


def test_two_balances_at_once_do_not_share_a_ledger(path, monkeypatch):
    monkeypatch.setattr(ledger_module, "BUSY_AFTER_S", 0.01)
    with (
        LedgerFile(path).balance(),
        pytest.raises(LedgerUnusable, match="Does another balance run"),
        LedgerFile(path).balance(),
    ):
        pass


def test_the_ledger_of_another_cluster_is_refused(path):
    with LedgerFile(path).balance() as ledger:
        ledger.require_cluster("one")
    with LedgerFile(path).balance() as ledger:
        ledger.require_cluster("one")
        with pytest.raises(LedgerUnusable, match="cluster one, this one is another"):
            ledger.require_cluster("another")


def test_a_topic_that_was_made_anew_is_noticed(path):
    with LedgerFile(path).balance() as ledger:
        Topics(ledger).messages(5)
        ledger.require_reached({("telemetry.raw", 0): 5})
        with pytest.raises(LedgerUnusable, match=r"telemetry.raw\[0\] was read up to 5 and now ends at 2"):
            ledger.require_reached({("telemetry.raw", 0): 2})


def test_a_balanced_pipeline_leaves_little_behind(path):
    """10,000 readings, in windows, stored: what is kept does not go with their number."""
    file = LedgerFile(path)
    with file.balance() as ledger:
        topics, points, states = Topics(ledger), InMemoryPoints(), InMemoryStates()
        readings = [reading(position(offset), time=offset) for offset in range(10_000)]
        topics.messages(10_000)
        topics.holds(READINGS, *readings)
        topics.holds(WINDOWS, window("10s", 0, 10_000), window("1m", 0, 10_000))
        points.store(*readings)
        states.store("pump", "flow", 9_999, 1.0)
        ledger.windows.sweep(0)
        ledger.points.check(points, lambda *_: True, compare_from_ms=0, judged_from_ms=0)
        ledger.states.check(states, lambda *_: True, now_ms=0, judged_from_ms=0)
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = sum(connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in tables)
    connection.close()
    assert rows < 20
    file.close()
    assert path.stat().st_size < 200_000
