"""The stores' UDF with a writer and rows in memory."""

from contextlib import contextmanager

import pandas
import pytest

from jobs.operators.write_to_store import WriteToStore
from schemas.topics import UnreadableRecord


class Store:
    """Takes rows, refuses those that are told; says what happened in which order."""

    def __init__(self, *refused):
        self.refused = refused
        self.happened = []

    def write(self, rows):
        self.happened.append(rows)
        return [f"{row} is refused" if row in self.refused else None for row in rows]

    @contextmanager
    def rows(self):
        self.happened.append("opened")
        yield row_of
        self.happened.append("closed")


def row_of(topic, record):
    if record is None:
        raise UnreadableRecord(f"no record of {topic}")
    return f"{topic} {record.decode()}"


def opened(store, rows=None):
    function = WriteToStore(lambda: store, rows or store.rows)
    function.open(None)
    return function


def written(function, *records):
    return function.eval(pandas.Series(["t"] * len(records)), pandas.Series(records, dtype=object)).tolist()


def test_each_record_has_its_own_answer_and_a_batch_is_one_write():
    store = Store("t b")
    assert written(opened(store), b"a", None, b"b", b"c") == [None, "no record of t", "t b is refused", None]
    assert store.happened == ["opened", ["t a", "t b", "t c"]]


def test_what_makes_the_rows_is_open_for_as_long_as_the_worker_runs():
    store = Store()
    function = opened(store)
    written(function, b"a")
    written(function, b"b")
    function.close()
    assert store.happened == ["opened", ["t a"], ["t b"], "closed"]


def test_rows_that_cannot_be_opened_stop_the_worker_before_it_writes():
    @contextmanager
    def away():
        raise ConnectionError("no Kafka")
        yield

    store = Store()
    function = WriteToStore(lambda: store, away)
    with pytest.raises(ConnectionError):
        function.open(None)
    function.close()
    assert store.happened == []


def test_an_error_that_is_no_unreadable_record_is_no_dead_letter():
    @contextmanager
    def broken():
        yield lambda topic, record: 1 // 0

    with pytest.raises(ZeroDivisionError):
        written(opened(Store(), broken), b"a")
