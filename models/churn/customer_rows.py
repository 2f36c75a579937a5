"""Which rows of a micro-batch are to be scored, and what comes of its other records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.churn_score import ChurnScore
from schemas.record import Position, faults
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS
from schemas.usage import CustomerUsage
from schemas.usage_features import NO_USAGE

CHANGED_AT, DELETED = "__source_ts_ms", "__deleted"
"""What change capture adds to a row (docs/how-to/change_capture.md)."""

Score = tuple[bytes, bytes]
"""A record of `churn.scores`: its key and its JSON."""


class Unscored(NamedTuple):
    """Why there is no score for the record that came."""

    reason: RejectReason
    detail: str


class CustomerRow(NamedTuple):
    """A row that is to be scored.

    Parameters
    ----------
    place
        Of its record in the micro-batch.
    is_new
        Whether the record is the row; else it is the usage.
    changed_at
        ms since the epoch: of the row, or of the usage if that is newer.
    partition, offset
        Of the row.
    columns
        Of the table, and features of the usage where the model reads them.
    """

    place: int
    is_new: bool
    customer: str
    changed_at: int
    partition: int
    offset: int
    columns: dict[str, Any]


@dataclass
class CustomerRows:
    """The rows of a micro-batch, as columns in the order of `CustomerRow`, and by their places what has no row."""

    columns: Sequence[Sequence[Any]]
    deletions: dict[int, Score] = field(default_factory=dict)
    unscored: dict[int, Unscored] = field(default_factory=dict)


def customer_rows(elements: Sequence[Sequence[Any]], reads_usage: bool) -> CustomerRows:
    """What to do with the elements of a `CustomerBatch`, for a model that reads usage or does not."""
    alone = None if reads_usage else _all_alone(elements)
    return _one_by_one(elements, reads_usage) if alone is None else CustomerRows(alone)


def _all_alone(elements: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]] | None:
    """Columns of rows that are new and without usage; None if one is not. A third of the price of one by one."""
    is_row, customers, _, usage_offsets, _, partitions, offsets, rows = zip(*elements, strict=True)
    if not (all(is_row) and all(customers) and max(usage_offsets) < 0 and set(map(type, rows)) == {dict}):
        return None
    changed_at = [row.get(CHANGED_AT) for row in rows]
    if set(map(type, changed_at)) != {int} or not 0 <= min(changed_at) <= max(changed_at) < 2**63:
        return None
    if "true" in [row.get(DELETED) for row in rows]:
        return None
    return range(len(rows)), is_row, customers, changed_at, partitions, offsets, rows


def _one_by_one(elements: Sequence[Sequence[Any]], reads_usage: bool) -> CustomerRows:
    judged = CustomerRows(())
    rows = []
    for place, element in enumerate(elements):
        outcome = _judged(place, element, reads_usage)
        if isinstance(outcome, CustomerRow):
            rows.append(outcome)
        elif isinstance(outcome, Unscored):
            judged.unscored[place] = outcome
        elif outcome is not None:
            judged.deletions[place] = outcome
    judged.columns = tuple(zip(*rows, strict=True)) or ((),) * len(CustomerRow._fields)
    return judged


def _judged(place: int, element: Sequence[Any], reads_usage: bool) -> CustomerRow | Score | Unscored | None:
    """What there is to score, or what comes of the record without a model."""
    is_row, customer, _, usage_offset, usage, partition, offset, row = element
    as_of, features = 0, NO_USAGE
    if usage_offset >= 0:
        try:
            as_of, features = _usage(usage)
        except ValueError as error:  # what cannot be read is as if it had not come
            if not is_row:
                return Unscored(RejectReason.NOT_USAGE, str(error))
    if not is_row and (not reads_usage or offset < 0):
        return None
    try:
        changed_at = _changed_at(customer, row)
    except ValueError as error:
        return Unscored(RejectReason.NOT_A_CUSTOMER, str(error)) if is_row else None
    if as_of > changed_at:  # Redis and InfluxDB go by this time. Neither part ever goes back, so the maximum does not.
        changed_at = as_of
    if row.get(DELETED) == "true":
        return _deleted(customer, changed_at, partition, offset) if is_row else None
    if reads_usage:  # a column of the table goes before a feature of its name
        row = NO_USAGE | features | row
    return CustomerRow(place, is_row, customer, changed_at, partition, offset, row)


def _usage(usage: Any) -> tuple[int, dict[str, int]]:
    """Its time and its features.

    Raises
    ------
    ValueError
    """
    if isinstance(usage, ValueError):
        raise usage
    try:
        read = CustomerUsage.model_validate(usage)
    except ValidationError as error:
        raise ValueError("; ".join(faults(error))) from None
    return read.as_of, read.features


def _changed_at(customer: str | None, row: Any) -> int:
    """When change capture saw the row change, in ms since the epoch.

    Raises
    ------
    ValueError
        When it is not a customer, or not a row of change capture.
    """
    if not customer:
        raise ValueError("the record has no key")
    if not isinstance(row, dict):
        raise row if isinstance(row, ValueError) else ValueError("the record is no JSON object")
    changed_at = row.get(CHANGED_AT)
    if type(changed_at) is not int or not 0 <= changed_at < 2**63:
        raise ValueError(f"{CHANGED_AT} is no time in ms")
    return changed_at


def _deleted(customer: str, changed_at: int, partition: int, offset: int) -> Score:
    position = Position(topic=CUSTOMERS.name, partition=partition, offset=offset)
    score = ChurnScore(customer=customer, changed_at=changed_at, deleted=True, position=position)
    return customer.encode(), score.model_dump_json(exclude_none=True).encode()
