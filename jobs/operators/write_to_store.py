"""Sinks as pandas UDFs: one call a record, one request an Arrow batch, never across a checkpoint barrier.

A barrier finishes the batch before it passes (docs/adr/0004), so a
synchronous write is at least once, and idempotent rows make it effectively once. The writer is made
in `open()` on the worker, from the worker's own environment: no secret travels in the job.
"""

from collections.abc import Callable
from typing import Any

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

from jobs.operators.cycle_collector import collect_seldom
from schemas.topics import UnreadableRecord


class WriteToStore(ScalarFunction):
    """`write(topic, record)`: NULL for a record that is stored, and why not for one that is not."""

    def __init__(self, connect: Callable[[], Any], row_of: Callable[[str, bytes | None], Any]) -> None:
        self._connect = connect
        self._row_of = row_of

    def open(self, function_context: FunctionContext) -> None:
        collect_seldom()
        self._writer = self._connect()

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
    connect: Callable[[], Any], row_of: Callable[[str, bytes | None], Any]
) -> UserDefinedScalarFunctionWrapper:
    """The UDF for a writer.

    `connect()` makes the writer on the worker, `row_of(topic, record)` its row of a record's bytes. What raises
    UnreadableRecord is refused.
    """
    return udf(WriteToStore(connect, row_of), result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
