"""Rows of customers and their usage as score_churn gathers them: each record with the newest of the other kind."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from schemas.dead_letter import RefusedRecord
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS, CUSTOMERS_USAGE
from schemas.unavailable_values import mentions_unavailable, without_unavailable


class CustomerBatchColumns(NamedTuple):
    """The records of a micro-batch, in the order in which they came: a column each, of what is known by now.

    Parameters
    ----------
    is_row
        Whether the record that came is the row; else it is the usage.
    customer
        The record's key.
    usage_partition, usage_offset, usage
        Where the newest record of `customers.usage` stands, -1 if there is none yet, and its bytes, None likewise.
    row_partition, row_offset, row
        The same of the newest record of `customers`.
    """

    is_row: Sequence[bool]
    customer: Sequence[str | None]
    usage_partition: Sequence[int]
    usage_offset: Sequence[int]
    usage: Sequence[bytes | None]
    row_partition: Sequence[int]
    row_offset: Sequence[int]
    row: Sequence[bytes | None]


class CustomerBatchRecord(NamedTuple):
    """A record of a micro-batch: an entry of each of `CustomerBatchColumns`.

    What usage and row say is read: a value that is no JSON is the `orjson.JSONDecodeError` that says why.
    """

    is_row: bool
    customer: str | None
    usage_partition: int
    usage_offset: int
    usage: Any
    row_partition: int
    row_offset: int
    row: Any


class CustomerBatch:
    """The records of a micro-batch.

    Examples
    --------
    >>> usage, row = ([-1, 0], [-1, 5], [None, b"{"]), ([3, -1], [17, -1], [b'{"bill":9}', None])
    >>> batch = CustomerBatch(CustomerBatchColumns([True, False], ["ann", "ben"], *usage, *row))
    >>> [element[-1] for element in batch.elements]
    [{'bill': 9}, None]
    >>> batch.refused(1, RejectReason.NOT_USAGE, "no JSON", 0).original
    b'{'
    """

    def __init__(self, columns: CustomerBatchColumns) -> None:
        self._columns = columns

    @cached_property
    def elements(self) -> Sequence[Sequence[Any]]:
        """The entries of an `CustomerBatchRecord` each, as a tuple: names would cost as much as the graph.

        A row's columns that change capture could not read are not among its columns.
        """
        columns = self._columns
        read = columns._replace(usage=_read(columns.usage), row=[*map(_known, columns.row, _read(columns.row))])
        return list(zip(*read, strict=True))

    def refused(self, place: int, reason: RejectReason, detail: str, first_seen: int) -> RefusedRecord:
        """The record that came there, as one that cannot be used."""
        columns = self._columns
        if columns.is_row[place]:
            topic, half = CUSTOMERS, (columns.row_partition, columns.row_offset, columns.row)
        else:
            topic, half = CUSTOMERS_USAGE, (columns.usage_partition, columns.usage_offset, columns.usage)
        partitions, offsets, values = half
        where = topic.name, partitions[place], offsets[place]
        return RefusedRecord(reason, detail, *where, first_seen, columns.customer[place], values[place] or b"")


def _known(text: bytes | None, row: Any) -> Any:
    return without_unavailable(row) if text is not None and mentions_unavailable(text) and type(row) is dict else row


def _read(values: Sequence[bytes | None]) -> list[Any]:
    try:
        return [None if value is None else orjson.loads(value) for value in values]
    except orjson.JSONDecodeError:
        return list(map(_read_one, values))


def _read_one(value: bytes | None) -> Any:
    try:
        return None if value is None else orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return error
