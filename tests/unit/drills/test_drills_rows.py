"""Rows of the drills on change capture, and what is seen of them, without servers."""

import json
import time
from types import SimpleNamespace

import psycopg
import pytest

from connectors.postgres_cdc import DatabaseUnavailable, database
from drills import rows as drills_rows
from drills.rows import KEYS, CapturedRows, NumberedRows
from headrace.polling import wait_until


class Tail:
    """Records that the test puts there."""

    def __init__(self):
        self.waiting = []

    def put(self, key, number):
        value = json.dumps({"customer_id": key, "number": number}).encode()
        self.waiting.append(SimpleNamespace(key=key.encode(), value=value))

    def new(self):
        while self.waiting:
            yield self.waiting.pop(0)


@pytest.fixture
def tail():
    return Tail()


@pytest.fixture
def written():
    rows = NumberedRows(None, "d-")
    rows.tried_at = {("d-0", 0): 10.0, ("d-0", 1): 20.0, ("d-1", 0): 15.0}
    return rows


@pytest.fixture
def seen(tail, written, monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 24.0)
    return CapturedRows(tail, written)


def test_a_change_that_comes_again_is_counted_again_and_its_wait_is_the_first(seen, tail):
    for number in (0, 1, 1):
        tail.put("d-0", number)
    seen.update()
    assert seen.found == {("d-0", 0): 1, ("d-0", 1): 2}
    assert (seen.out_of_order, seen.longest_s) == (0, 14.0)


def test_an_older_state_behind_a_newer_one_of_its_row_is_out_of_order(seen, tail):
    for key, number in (("d-0", 1), ("d-1", 0), ("d-0", 0)):
        tail.put(key, number)
    seen.update()
    assert seen.out_of_order == 1


def test_rows_of_others_are_not_looked_at(seen, tail):
    tail.put("e-0", 0)
    tail.waiting.append(SimpleNamespace(key=b"e-1", value=None))
    seen.update()
    assert not seen.found


def test_waits_count_from_when_they_were_forgotten(seen, tail):
    tail.put("d-0", 0)
    seen.forget_waits()
    assert not seen.has_one_after(10.0)
    tail.put("d-0", 1)
    assert seen.has_one_after(10.0)
    assert seen.longest_s == 4.0


class Connection:
    """Loses its answer, or itself, where it is told to."""

    def __init__(self, states, fail_at):
        self.states, self.fail_at = states, fail_at

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def execute(self, statement, row=None):
        if row is None:
            return
        key, number = row
        if self.states.get(key, -1) < number:
            self.states[key] = number
        if self.fail_at and self.fail_at[0] == row:
            self.fail_at.pop(0)
            raise psycopg.OperationalError("the answer is lost")


def test_a_row_whose_answer_is_lost_is_tried_again_until_it_is_committed(monkeypatch):
    states, fail_at = {}, [("d-3", 0), ("d-3", 0), ("d-0", 1)]
    monkeypatch.setattr(database, "connection", lambda _: Connection(states, fail_at))
    monkeypatch.setattr(drills_rows, "PAUSE_S", 0.0)
    rows = NumberedRows(None, "d-")
    rows.start()
    wait_until("rows", lambda: rows.acknowledged >= 2 * KEYS, within_s=20)
    rows.finish()
    assert rows.acknowledged == rows.sent == sum(number + 1 for number in states.values())
    assert fail_at == []


def test_a_database_that_is_away_is_asked_until_it_is_back(monkeypatch):
    away = [DatabaseUnavailable("starting"), DatabaseUnavailable("starting")]

    def connection(_):
        if away:
            raise away.pop()
        return Connection({}, [])

    monkeypatch.setattr(database, "connection", connection)
    monkeypatch.setattr(drills_rows, "PAUSE_S", 0.0)
    rows = NumberedRows(None, "d-")
    rows.start()
    wait_until("a row", lambda: rows.acknowledged > 0, within_s=20)
    rows.finish()
    assert rows.acknowledged == rows.sent
