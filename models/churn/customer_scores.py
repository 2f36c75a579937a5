"""Customers and their usage to records of `churn.scores`, a micro-batch at a time.

The records are written out here, field by field as schemas.churn_score has them: pydantic's objects for each row cost
as much as everything else together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from models.churn.arrivals import Arrivals
from models.churn.contract import Contract
from models.churn.onnx_model import ChurnModel
from models.churn.reasons_in_words import Reason
from schemas.churn_score import ChurnScore
from schemas.record import Position, faults
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS
from schemas.usage import CustomerUsage
from schemas.usage_features import NO_USAGE

CHANGED_AT, DELETED = "__source_ts_ms", "__deleted"
"""What change capture adds to a row (docs/change_capture.md)."""

Score = tuple[bytes, bytes]
"""A record of `churn.scores`: its key and its JSON."""


class Unscored(NamedTuple):
    """Why there is no score for the record that came."""

    reason: RejectReason
    detail: str


@dataclass
class Outcomes:
    """Of the records of a micro-batch.

    Parameters
    ----------
    scores
        Key and JSON of each, in the order in which the records came.
    unscored
        Why there is none for a record, by its place. There is neither for usage where the model reads none, or where
        the customer's row is deleted, not there yet, or cannot be scored, as was said when the row came.
    """

    scores: list[Score]
    unscored: dict[int, Unscored]


class _Row(NamedTuple):
    """A customer's row that is to be scored."""

    is_row: bool
    customer: str
    changed_at: int
    partition: int
    offset: int
    columns: dict[str, Any]


def outcomes(model: ChurnModel, arrivals: Arrivals) -> Outcomes:
    """What becomes of each record: one call of the model for all."""
    reads_usage = any(column.name in NO_USAGE for column in model.contract.columns)
    judged = [_judged(arrival, reads_usage) for arrival in arrivals.elements]
    rows = {place: row for place, row in enumerate(judged) if isinstance(row, _Row)}
    found: list[Score | Unscored | None] = [None if isinstance(each, _Row) else each for each in judged]
    for place, outcome in zip(rows, _scored(model, list(rows.values())), strict=True):
        found[place] = outcome
    unscored = {place: why for place, why in enumerate(found) if isinstance(why, Unscored)}
    return Outcomes([each for each in found if each and not isinstance(each, Unscored)], unscored)


def _judged(arrival: Sequence[Any], reads_usage: bool) -> _Row | Score | Unscored | None:
    """What there is to score, or what comes of the record without a model."""
    is_row, _, customer, _, usage_offset, _, usage, partition, offset, row = arrival
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
    return _Row(is_row, customer, changed_at, partition, offset, row)


def _usage(usage: Any) -> tuple[int, dict[str, int]]:
    """Its time and its features. Raises ValueError."""
    if isinstance(usage, ValueError):
        raise usage
    try:
        read = CustomerUsage.model_validate(usage)
    except ValidationError as error:
        raise ValueError("; ".join(faults(error))) from None
    return read.as_of, read.features


def _changed_at(customer: str | None, row: Any) -> int:
    """Raises ValueError unless that is a customer and a row of change capture."""
    if not customer:
        raise ValueError("the record has no key")
    if type(row) is not dict:
        raise row if isinstance(row, ValueError) else ValueError("the record is no JSON object")
    changed_at = row.get(CHANGED_AT)
    if type(changed_at) is not int or not 0 <= changed_at < 2**63:
        raise ValueError(f"{CHANGED_AT} is no time in ms")
    return changed_at


def _scored(model: ChurnModel, rows: Sequence[_Row]) -> Iterator[Score | Unscored | None]:
    if not rows:
        return
    scores = model.predict(model.columns_of([row.columns for row in rows]), reasons=True)
    each = zip(rows, scores.probabilities.tolist(), scores.labels.tolist(), scores.reasons, strict=True)
    for index, (row, risk, label, reasons) in enumerate(each):
        if index not in scores.refusals:
            yield _score(row, risk, label, reasons, model.contract)
        else:
            yield Unscored(RejectReason.UNSCORABLE_CUSTOMER, scores.refusals[index]) if row.is_row else None


def _score(row: _Row, risk: float, label: bool, reasons: Iterable[Reason], contract: Contract) -> Score:
    _, customer, changed_at, partition, offset, _ = row
    told = b",".join([reason.json for reason in reasons])
    record = {
        "schema_version": ChurnScore.SCHEMA_VERSION, "customer": customer, "changed_at": changed_at, "risk": risk,
        "at_risk": label, "threshold": contract.threshold, "reasons": orjson.Fragment(b"[" + told + b"]"),
        "model_version": contract.version, "deleted": False,
        "position": {"topic": CUSTOMERS.name, "partition": partition, "offset": offset, "item": 0, "items": 1},
    }  # fmt: skip
    return customer.encode(), orjson.dumps(record)


def _deleted(customer: str, changed_at: int, partition: int, offset: int) -> Score:
    position = Position(topic=CUSTOMERS.name, partition=partition, offset=offset)
    score = ChurnScore(customer=customer, changed_at=changed_at, deleted=True, position=position)
    return customer.encode(), score.model_dump_json(exclude_none=True).encode()
