"""Micro-batches as the job score_churn gathers them."""

from typing import NamedTuple

from models.churn.customer_batch import CustomerBatch, CustomerBatchColumns


class Came(NamedTuple):
    """A record, as what is known of its customer by now: the newest row and usage and where they stand."""

    customer: str | None
    row: bytes | None
    partition: int = 0
    offset: int = 1
    usage: bytes | None = None
    is_row: bool = True


def customer_batch(*records):
    return CustomerBatch(columns(*records))


def columns(*records):
    return CustomerBatchColumns._make(
        tuple(zip(*map(_entries, records), strict=True)) or ((),) * len(CustomerBatchColumns._fields)
    )


def _entries(came):
    usage_at = (-1, -1) if came.usage is None else (2, 5)
    row_at = (-1, -1) if came.row is None else (came.partition, came.offset)
    return came.is_row, came.customer, *usage_at, came.usage, *row_at, came.row
