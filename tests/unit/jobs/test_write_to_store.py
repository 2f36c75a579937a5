"""The stores' UDF with a writer and rows in memory."""

from contextlib import contextmanager

import pandas
import pytest

from jobs.operators.write_to_store import WriteToStore
from schemas.reject_reasons import RejectReason
from schemas.topics import UnreadableRecord
from tests.unit.jobs.flink_in_memory import FlinkInMemory


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
        yield lambda: row_of
        self.happened.append("closed")


def row_of(topic, record):
    if record is None:
        raise UnreadableRecord(f"no record of {topic}")
    return f"{topic} {record.decode()}"


def opened(store, rows=None):
    function = WriteToStore("store_t", RejectReason.REFUSED_BY_REDIS, lambda: store, rows or store.rows)
    function.open(FlinkInMemory())
    return function


def written(function, *records):
    n = len(records)
    columns = (["t"] * n, [0] * n, list(range(n)))
    return function.eval(*map(pandas.Series, columns), pandas.Series(records, dtype=object)).tolist()


def test_each_record_has_its_own_answer_and_a_batch_is_one_write():
    store = Store("t b")
    assert written(opened(store), b"a", None, b"b", b"c") == [
        None,
        "refused_by_redis no record of t",
        "refused_by_redis t b is refused",
        None,
    ]
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
    function = WriteToStore("store_t", RejectReason.REFUSED_BY_REDIS, lambda: store, away)
    with pytest.raises(ConnectionError):
        function.open(FlinkInMemory())
    function.close()
    assert store.happened == []


def test_a_record_whose_row_raises_is_set_aside_and_its_siblings_are_stored():
    @contextmanager
    def rows():
        yield lambda: lambda topic, record: 1 // (record != b"b") and record

    store = Store()
    refusals = written(opened(store, rows), b"a", b"b", b"c")
    assert [refusal and refusal.split(" ", 1)[0] for refusal in refusals] == [None, "quarantined", None]
    assert "ZeroDivisionError" in refusals[1]
    assert store.happened == [[b"a", b"c"]]


def test_rows_that_cannot_be_made_at_present_are_no_fault_of_a_record():
    @contextmanager
    def rows():
        def now():
            raise ConnectionError("devices are not followed any more")

        yield now

    function = opened(Store(), rows)
    for _ in range(5):
        with pytest.raises(ConnectionError):
            written(function, b"a")
