"""Sinks as pandas UDFs: one call a row, one request an Arrow batch, never across a checkpoint barrier.

A barrier finishes the batch before it passes (research of the project: docs/adr/0004), so a
synchronous write is at least once, and idempotent rows make it effectively once. The writer is made
in `open()` on the worker, from the worker's own environment: no secret travels in the job.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

Write = Callable[[Sequence[Any]], list[str | None]]


class WriteToStore(ScalarFunction):
    """`write(columns...)`: NULL for a row that is stored, the store's words for one that it refused."""

    def __init__(self, connect: Callable[[], Any], row: Callable[..., Any]) -> None:
        self._connect = connect
        self._row = row

    def open(self, function_context: FunctionContext) -> None:
        self._writer = self._connect()

    def eval(self, *columns: Any) -> Any:
        import pandas

        length = next(len(column) for column in columns if isinstance(column, pandas.Series))
        # A constant of the query arrives as one value and not as a column.
        full = [column if isinstance(column, pandas.Series) else repeat(column, length) for column in columns]
        rows = [self._row(*values) for values in zip(*full, strict=False)]
        return pandas.Series(self._writer.write(rows), dtype=object)

    def is_deterministic(self) -> bool:
        return False


def write_to_store(connect: Callable[[], Any], row: Callable[..., Any]) -> UserDefinedScalarFunctionWrapper:
    """The UDF for a writer: `connect()` makes it on the worker, `row(...)` makes its row of one row's columns."""
    return udf(WriteToStore(connect, row), result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
