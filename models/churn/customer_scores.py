"""Rows of the topic `customers`, with the newest usage of each, to records of `churn.scores`, a batch at a time.

The records are written out here, field by field as schemas.churn_score has them: pydantic's objects for each row cost
as much as everything else together.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from models.churn.onnx_model import ChurnModel
from models.churn.reasons_in_words import Reason
from schemas.churn_score import ChurnScore
from schemas.record import Position, faults
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS
from schemas.usage import CustomerUsage
from schemas.usage_features import NO_USAGE

TOPIC, VERSION = CUSTOMERS.name, ChurnScore.SCHEMA_VERSION
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
    topic: str = TOPIC

    @property
    def is_row(self) -> bool:
        return self.topic == TOPIC


class _Row(NamedTuple):
    place: int
    customer: str
    partition: int
    offset: int
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
            found[place] = _deleted_json(row)
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
    stands = arrival.partition, arrival.offset
    return _Row(place, arrival.customer or "", *stands, features | columns, changed_at, arrival.is_row)


def _columns(customer: str | None, value: bytes | None) -> dict[str, Any]:
    """Raises ValueError."""
    if not customer:
        raise ValueError("the record has no key")
    columns = orjson.loads(value or b"")
    if not isinstance(columns, dict):
        raise ValueError("the record is no JSON object")
    changed_at = columns.get(CHANGED_AT)
    if not isinstance(changed_at, int) or not 0 <= changed_at < 2**63:
        raise ValueError(f"{CHANGED_AT} is no time in ms")
    return columns


def _scored(model: ChurnModel, rows: Sequence[_Row]) -> Iterator[str | None]:
    if not rows:
        return
    scores = model.predict(model.columns_of([row.columns for row in rows]), reasons=True)
    threshold, version = model.contract.threshold, model.contract.version
    each = zip(rows, scores.probabilities.tolist(), scores.labels.tolist(), scores.reasons, strict=True)
    for index, (row, risk, label, reasons) in enumerate(each):
        if index not in scores.refusals:
            yield _json(row, risk, label, threshold, [_told(reason) for reason in reasons], version)
        else:
            yield f"{RejectReason.UNSCORABLE_CUSTOMER}: {scores.refusals[index]}" if row.is_new else None


def _told(reason: Reason) -> dict[str, Any]:
    column, _, points, words = reason
    return {"column": column, "points": points, "words": words}


def _json(row: _Row, risk: float, label: bool, threshold: float, reasons: list[dict[str, Any]], version: str) -> str:
    record = {
        "schema_version": VERSION, "customer": row.customer, "changed_at": row.changed_at, "risk": risk,
        "at_risk": label, "threshold": threshold, "reasons": reasons, "model_version": version, "deleted": False,
        "position": {"topic": TOPIC, "partition": row.partition, "offset": row.offset, "item": 0, "items": 1},
    }  # fmt: skip
    return orjson.dumps(record).decode()


def _deleted_json(row: _Row) -> str:
    position = Position(topic=TOPIC, partition=row.partition, offset=row.offset)
    score = ChurnScore(customer=row.customer, changed_at=row.changed_at, deleted=True, position=position)
    return score.model_dump_json(exclude_none=True)
