"""Sinks as pandas UDFs: one call a row, one request an Arrow batch, never across a checkpoint barrier.

A barrier finishes the batch before it passes (docs/adr/0004), so a
synchronous write is at least once, and idempotent rows make it effectively once. The writer is made
in `open()` on the worker, from the worker's own environment: no secret travels in the job.
"""

from collections.abc import Callable
from itertools import repeat
from typing import Any

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

MISSING_FIELD = "the record lacks a field that every record of its topic has"


class WriteToStore(ScalarFunction):
    """`write(columns...)`: NULL for a row that is stored, the store's words for one that it refused."""

    def __init__(self, connect: Callable[[], Any], row: Callable[..., Any], required: int) -> None:
        self._connect = connect
        self._row = row
        self._required = required

    def open(self, function_context: FunctionContext) -> None:
        self._writer = self._connect()

    def eval(self, *columns: Any) -> Any:
        import pandas

        length = next(len(column) for column in columns if isinstance(column, pandas.Series))
        # A constant of the query arrives as one value and not as a column.
        full = [column if isinstance(column, pandas.Series) else repeat(column, length) for column in columns]
        rows = list(zip(*full, strict=False))
        whole = [index for index, values in enumerate(rows) if None not in values[: self._required]]
        refusals: list[str | None] = [MISSING_FIELD] * length
        for index, refusal in zip(whole, self._writer.write([self._row(*rows[index]) for index in whole]), strict=True):
            refusals[index] = refusal
        return pandas.Series(refusals, dtype=object)

    def is_deterministic(self) -> bool:
        return False


def write_to_store(
    connect: Callable[[], Any], row: Callable[..., Any], required: int
) -> UserDefinedScalarFunctionWrapper:
    """The UDF for a writer.

    `connect()` makes the writer on the worker, `row(...)` its row of one row's columns. A row in which
    one of the first `required` columns is NULL is refused: only a foreign producer leaves a field out.
    """
    writer = WriteToStore(connect, row, required)
    return udf(writer, result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
