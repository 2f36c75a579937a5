"""Rows of the topic `customers`, with the newest usage of each, to records of `churn.scores`, a batch at a time."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from models.churn.onnx_model import ChurnModel, Scores
from schemas.churn_score import ChurnReason, ChurnScore
from schemas.record import Position, faults
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS
from schemas.usage import CustomerUsage
from schemas.usage_features import NO_USAGE

CHANGED_AT, DELETED = "__source_ts_ms", "__deleted"
"""What change capture adds to a row (docs/change_capture.md)."""


class Arrival(NamedTuple):
    """A record that came, as what is known of its customer by now.

    Parameters
    ----------
    row, partition, offset
        The newest row and where it stands; None, -1, -1 before the first.
    usage
        The newest record of `customers.usage`; None before the first.
    topic
        Of the record that came: its row is new, or its usage.
    """

    customer: str | None
    row: bytes | None
    partition: int
    offset: int
    usage: bytes | None = None
    topic: str = CUSTOMERS.name

    @property
    def is_row(self) -> bool:
        return self.topic == CUSTOMERS.name


class _Row(NamedTuple):
    place: int
    customer: str
    position: Position
    columns: dict[str, Any]
    changed_at: int
    is_new: bool


def outcomes(model: ChurnModel, arrivals: Sequence[Arrival]) -> list[str | None]:
    """For each record the JSON of a ChurnScore, or `reason: why not`, or None.

    None is for usage, where the model reads none, or the customer's row is deleted, not there yet, or cannot be
    scored, as was said when the row came.
    """
    found: list[str | None] = [None] * len(arrivals)
    reads_usage = any(column.name in NO_USAGE for column in model.contract.columns)
    rows = []
    for place, arrival in enumerate(arrivals):
        usage, fault = _usage(arrival.usage)
        if not arrival.is_row and (fault or not reads_usage or arrival.row is None):
            found[place] = fault
            continue
        try:
            row = _row(place, arrival, usage)
        except ValueError as error:
            found[place] = f"{RejectReason.NOT_A_CUSTOMER}: {error}" if arrival.is_row else None
            continue
        if row.columns.get(DELETED) != "true":
            rows.append(row)
        elif arrival.is_row:
            found[place] = _deleted(row).model_dump_json(exclude_none=True)
    for row, outcome in zip(rows, _scored(model, rows), strict=True):
        found[row.place] = outcome
    return found


def _usage(value: bytes | None) -> tuple[CustomerUsage | None, str | None]:
    """The usage, or why it is none. What cannot be read is as if it had not come."""
    if value is None:
        return None, None
    try:
        return CustomerUsage.model_validate_json(value), None
    except ValidationError as error:
        return None, f"{RejectReason.NOT_USAGE}: {'; '.join(faults(error))}"


def _row(place: int, arrival: Arrival, usage: CustomerUsage | None) -> _Row:
    """Raises ValueError. A column of the table goes before a feature of its name."""
    columns = _columns(arrival.customer, arrival.row)
    # Redis and InfluxDB go by this time. Neither part of it ever goes back, so the maximum does not.
    changed_at = max(columns[CHANGED_AT], usage.as_of if usage else 0)
    features = NO_USAGE | (usage.features if usage else {})
    position = Position(topic=CUSTOMERS.name, partition=arrival.partition, offset=arrival.offset)
    return _Row(place, arrival.customer or "", position, features | columns, changed_at, arrival.is_row)


def _columns(customer: str | None, value: bytes | None) -> dict[str, Any]:
    """Raises ValueError."""
    if not customer:
        raise ValueError("the record has no key")
    try:
        columns = json.loads(value or b"")
    except RecursionError as error:
        raise ValueError("the record is nested too deep") from error
    if not isinstance(columns, dict):
        raise ValueError("the record is no JSON object")
    changed_at = columns.get(CHANGED_AT)
    if not isinstance(changed_at, int) or not 0 <= changed_at < 2**63:
        raise ValueError(f"{CHANGED_AT} is no time in ms")
    return columns


def _deleted(row: _Row) -> ChurnScore:
    return ChurnScore(customer=row.customer, changed_at=row.changed_at, deleted=True, position=row.position)


def _scored(model: ChurnModel, rows: Sequence[_Row]) -> list[str | None]:
    if not rows:
        return []
    scores = model.predict(model.columns_of([row.columns for row in rows]), reasons=True)
    return [
        _refusal(row, scores.refusals[index])
        if index in scores.refusals
        else _score(model, row, scores, index).model_dump_json(exclude_none=True)
        for index, row in enumerate(rows)
    ]


def _refusal(row: _Row, words: str) -> str | None:
    return f"{RejectReason.UNSCORABLE_CUSTOMER}: {words}" if row.is_new else None


def _score(model: ChurnModel, row: _Row, scores: Scores, index: int) -> ChurnScore:
    contract = model.contract
    return ChurnScore(
        customer=row.customer,
        changed_at=row.changed_at,
        risk=float(scores.probabilities[index]),
        at_risk=bool(scores.labels[index]),
        threshold=contract.threshold,
        reasons=tuple(
            ChurnReason(column=each.column, points=each.points, words=each.words) for each in scores.reasons[index]
        ),
        model_version=contract.version,
        position=row.position,
    )
