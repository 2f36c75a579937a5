"""Sinks as pandas UDFs: one call a record, one request an Arrow batch, never across a checkpoint barrier.

A barrier finishes the batch before it passes (docs/adr/0004), so a
synchronous write is at least once, and idempotent rows make it effectively once. The writer is made
in `open()` on the worker, from the worker's own environment: no secret travels in the job.

Rows are made under quarantine (jobs/operators/quarantine.py), since it is there that a record's content matters. The
request is not: it waits for the store for a minute, and a worker that is killed meanwhile would be held against a
record that is innocent.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

from connectors.gc_tuning import collect_garbage_rarely
from jobs.operators.quarantine import Processing, Quarantine, Quarantined, RecordPositions
from jobs.operators.subtask_journal import subtask_journal
from schemas.reject_reasons import RejectReason
from schemas.topics import UnreadableRecord

RowOf = Callable[[str, bytes | None], Any]
"""A store's row of a record: of its topic and its bytes. Raises UnreadableRecord where it has none."""

Rows = Callable[[], RowOf]
"""Asked once a batch. Raises what is no record's fault."""


class _Records(NamedTuple):
    topics: list[str]
    partitions: list[int]
    offsets: list[int]
    values: list[bytes | None]


class _Refusal(NamedTuple):
    """A record that is not stored."""

    reason: RejectReason
    detail: str

    def __str__(self) -> str:
        """As the job's SQL takes it apart."""
        return f"{self.reason} {self.detail}"


class WriteToStore(ScalarFunction):
    """`write(topic, partition, offset, record)`: NULL for a record that is stored, else the reason, a blank and why."""

    def __init__(
        self, job: str, refused: RejectReason, connect: Callable[[], Any],
        rows: Callable[[], AbstractContextManager[Rows]],
    ) -> None:  # fmt: skip
        self._job, self._refused, self._connect, self._rows = job, refused, connect, rows

    def open(self, function_context: FunctionContext) -> None:
        self._opened = ExitStack()
        collect_garbage_rarely()
        self._writer = self._connect()
        self._rows_now = self._opened.enter_context(self._rows())
        journal = subtask_journal(self._job, "write", function_context)
        quarantined = function_context.get_metric_group().counter("quarantined")
        processing = Processing(_positions, _split, self._rows_of)
        self._quarantine = Quarantine(journal, processing, quarantined.inc)
        self._opened.callback(self._quarantine.close)

    def close(self) -> None:
        self._opened.close()

    def eval(self, topics: Any, partitions: Any, offsets: Any, records: Any) -> Any:
        import pandas

        self._row_of = self._rows_now()
        rows: list[Any] = []
        batch = _Records(topics.tolist(), partitions.tolist(), offsets.tolist(), records.tolist())
        for done in self._quarantine.run(batch):
            rows += [_Refusal(RejectReason.QUARANTINED, done.detail)] if isinstance(done, Quarantined) else done
        places = [place for place, row in enumerate(rows) if not isinstance(row, _Refusal)]
        refusals = [str(row) if isinstance(row, _Refusal) else None for row in rows]
        for place, words in zip(places, self._writer.write([rows[place] for place in places]), strict=True):
            refusals[place] = None if words is None else str(_Refusal(self._refused, words))
        return pandas.Series(refusals, dtype=object)

    def _rows_of(self, records: _Records) -> list[Any]:
        """A row, or a _Refusal, of each."""
        return [self._row_or_refusal(*each) for each in zip(records.topics, records.values, strict=True)]

    def _row_or_refusal(self, topic: str, record: bytes | None) -> Any:
        try:
            return self._row_of(topic, record)
        except UnreadableRecord as error:
            return _Refusal(self._refused, str(error))

    def is_deterministic(self) -> bool:
        return False


def _positions(records: _Records) -> RecordPositions:
    return RecordPositions(records.topics, records.partitions, records.offsets)


def _split(records: _Records) -> Sequence[_Records]:
    rows = zip(*records, strict=True)
    return [_Records([topic], [partition], [offset], [value]) for topic, partition, offset, value in rows]


def write_to_store(
    job: str, refused: RejectReason, connect: Callable[[], Any], rows: Callable[[], AbstractContextManager[Rows]]
) -> UserDefinedScalarFunctionWrapper:
    """The UDF for a writer.

    Both are called on the worker: `connect()` makes the writer, and what makes its rows is held open by `rows()` for as
    long as the worker runs. What raises UnreadableRecord, or what the writer refuses, is `refused`.
    """
    function = WriteToStore(job, refused, connect, rows)
    return udf(function, result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
