"""Sinks as pandas UDFs: one call a record, one request an Arrow batch, never across a checkpoint barrier.

A barrier finishes the batch before it passes (docs/adr/0004), so a
synchronous write is at least once, and idempotent rows make it effectively once. The writer is made
in `open()` on the worker, from the worker's own environment: no secret travels in the job.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

from connectors.gc_tuning import collect_garbage_rarely
from schemas.topics import UnreadableRecord

RowOf = Callable[[str, bytes | None], Any]
"""A store's row of a record: of its topic and its bytes. Raises UnreadableRecord where it has none."""


class WriteToStore(ScalarFunction):
    """`write(topic, record)`: NULL for a record that is stored, and why not for one that is not."""

    def __init__(self, connect: Callable[[], Any], rows: Callable[[], AbstractContextManager[RowOf]]) -> None:
        self._connect = connect
        self._rows = rows

    def open(self, function_context: FunctionContext) -> None:
        self._opened = ExitStack()
        collect_garbage_rarely()
        self._writer = self._connect()
        self._row_of = self._opened.enter_context(self._rows())

    def close(self) -> None:
        self._opened.close()

    def eval(self, topics: Any, records: Any) -> Any:
        import pandas

        refusals: list[str | None] = [None] * len(records)
        rows, places = [], []
        for place, (topic, record) in enumerate(zip(topics.tolist(), records.tolist(), strict=True)):
            try:
                rows.append(self._row_of(topic, record))
                places.append(place)
            except UnreadableRecord as error:
                refusals[place] = str(error)
        for place, refusal in zip(places, self._writer.write(rows), strict=True):
            refusals[place] = refusal
        return pandas.Series(refusals, dtype=object)

    def is_deterministic(self) -> bool:
        return False


def write_to_store(
    connect: Callable[[], Any], rows: Callable[[], AbstractContextManager[RowOf]]
) -> UserDefinedScalarFunctionWrapper:
    """The UDF for a writer.

    Both are called on the worker: `connect()` makes the writer, and what makes its rows is held open by `rows()` for as
    long as the worker runs. What raises UnreadableRecord is refused.
    """
    return udf(WriteToStore(connect, rows), result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
