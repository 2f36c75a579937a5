"""Rows of customers and their usage as the job score_churn gathers them: each record with the newest of the other kind.

All are read as one JSON array: to cut it and read each by itself costs a quarter more.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from models.gathered import cuts
from models.refused import Refused
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS, CUSTOMERS_USAGE
from schemas.unavailable_values import mentions_unavailable, without_unavailable


class Arrival(NamedTuple):
    """An element of a micro-batch: a record, as what is known of its customer by now.

    Partition and offset are -1 and the value None where there is none yet. A value that is no JSON is the
    `orjson.JSONDecodeError` that says why.

    Parameters
    ----------
    is_row
        Whether the record that came is the row; else it is the usage.
    customer_bytes, customer
        The record's key, and its length as JSON.
    usage_partition, usage_offset, usage_bytes, usage
        Where the newest record of `customers.usage` stands, its length, and what it says.
    row_partition, row_offset, row
        Where the newest record of `customers` stands, and what it says.
    """

    is_row: bool
    customer_bytes: int
    customer: str | None
    usage_partition: int
    usage_offset: int
    usage_bytes: int
    usage: Any
    row_partition: int
    row_offset: int
    row: Any


class Arrivals:
    """The elements of a micro-batch, in the order in which they came.

    Parameters
    ----------
    records
        A JSON array with an element for each record, whose entries are those of `Arrival`. Usage and row stand there
        as they came, and may be no JSON.
    lengths
        The bytes of each element, as big-endian integers of four bytes.

    Examples
    --------
    >>> elements = [b'[true,5,"ann",-1,-1,4,null,3,17,{"bill":9}]', b'[false,5,"ben",0,5,2,{],-1,-1,null]']
    >>> lengths = b"".join(len(element).to_bytes(4) for element in elements)
    >>> arrivals = Arrivals(b"[" + b",".join(elements) + b"]", lengths)
    >>> [element[-1] for element in arrivals.elements]
    [{'bill': 9}, None]
    >>> arrivals.refused(1, RejectReason.NOT_USAGE, "no JSON", 0).original
    b'{]'
    """

    def __init__(self, records: bytes, lengths: bytes) -> None:
        self._records, self._lengths = records, lengths

    @cached_property
    def elements(self) -> Sequence[Sequence[Any]]:
        """The entries of an `Arrival` each, as a list where all are JSON: names would cost as much as the graph.

        A row's columns that change capture could not read are not among its columns.
        """
        elements = self._loaded_elements()
        if not mentions_unavailable(self._records):
            return elements
        return [[*entries, without_unavailable(row) if type(row) is dict else row] for *entries, row in elements]

    def _loaded_elements(self) -> Sequence[Sequence[Any]]:
        try:
            elements: list[list[Any]] = orjson.loads(self._records)
            if list(map(len, elements)) == [len(Arrival._fields)] * len(self._cuts):
                return elements
        except (orjson.JSONDecodeError, TypeError):
            pass
        return [_read(self._records[cut]) for cut in self._cuts]  # one is no JSON, or more than one text

    def refused(self, place: int, reason: RejectReason, detail: str, first_seen: int) -> Refused:
        """The record that came there, as one that cannot be used."""
        arrival, pieces = Arrival._make(self.elements[place]), _cut(self._records[self._cuts[place]])
        if arrival.is_row:
            which = CUSTOMERS.name, arrival.row_partition, arrival.row_offset
            return Refused(reason, detail, *which, first_seen, arrival.customer, pieces.row)
        which = CUSTOMERS_USAGE.name, arrival.usage_partition, arrival.usage_offset
        return Refused(reason, detail, *which, first_seen, arrival.customer, pieces.usage)

    @cached_property
    def _cuts(self) -> list[slice]:
        return cuts(self._lengths)


def _read(element: bytes) -> Arrival:
    return Arrival._make(map(_loaded, _cut(element)))


def _cut(element: bytes) -> Any:
    """An Arrival of bytes."""
    is_row, customer_bytes, rest = element[1:-1].split(b",", 2)
    customer, rest = _split_at(int(customer_bytes), rest)
    *usage_at, usage_bytes, rest = rest.split(b",", 3)
    usage, rest = _split_at(int(usage_bytes), rest)
    return Arrival._make((is_row, customer_bytes, customer, *usage_at, usage_bytes, usage, *rest.split(b",", 2)))


def _split_at(end: int, text: bytes) -> tuple[bytes, bytes]:
    """At the comma that stands there."""
    return text[:end], text[end + 1 :]


def _loaded(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return error
