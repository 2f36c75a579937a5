"""Rows of the topic `customers`, with the newest usage of each, to records of `churn.scores`, a batch at a time.

The records are written out here, field by field as schemas.churn_score has them: pydantic's objects for each row cost
as much as everything else together.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
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
    arrival: Arrival
    columns: dict[str, Any]
    changed_at: int


def outcomes(model: ChurnModel, arrivals: Iterable[Arrival]) -> list[str | None]:
    """For each record the JSON of a ChurnScore, or `reason: why not`, or None.

    None is for usage, where the model reads none, or the customer's row is deleted, not there yet, or cannot be
    scored, as was said when the row came.
    """
    found: list[str | None] = []
    reads_usage = any(column.name in NO_USAGE for column in model.contract.columns)
    rows = []
    for place, arrival in enumerate(arrivals):
        found.append(None)
        usage, fault = _usage(arrival.usage) if arrival.usage is not None else (None, None)
        if not arrival.is_row and (fault or not reads_usage or arrival.row is None):
            found[place] = fault
            continue
        try:
            columns = _columns(arrival.customer, arrival.row)
        except ValueError as error:
            found[place] = f"{RejectReason.NOT_A_CUSTOMER}: {error}" if arrival.is_row else None
            continue
        # Redis and InfluxDB go by this time. Neither part of it ever goes back, so the maximum does not.
        changed_at = max(columns[CHANGED_AT], usage.as_of) if usage else columns[CHANGED_AT]
        if columns.get(DELETED) != "true":
            if reads_usage:  # a column of the table goes before a feature of its name
                columns = NO_USAGE | (usage.features if usage else {}) | columns
            rows.append(_Row(place, arrival, columns, changed_at))
        elif arrival.is_row:
            found[place] = _deleted_json(arrival, changed_at)
    for row, outcome in zip(rows, _scored(model, rows), strict=True):
        found[row.place] = outcome
    return found


def _usage(value: bytes) -> tuple[CustomerUsage | None, str | None]:
    """The usage, or why it is none. What cannot be read is as if it had not come."""
    try:
        return CustomerUsage.model_validate_json(value), None
    except ValidationError as error:
        return None, f"{RejectReason.NOT_USAGE}: {'; '.join(faults(error))}"


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
            yield _json(row, risk, label, threshold, reasons, version)
        else:
            yield f"{RejectReason.UNSCORABLE_CUSTOMER}: {scores.refusals[index]}" if row.arrival.is_row else None


def _json(row: _Row, risk: float, label: bool, threshold: float, reasons: Iterable[Reason], version: str) -> str:
    customer, _, partition, offset, *_ = row.arrival
    record = {
        "schema_version": VERSION, "customer": customer, "changed_at": row.changed_at, "risk": risk,
        "at_risk": label, "threshold": threshold, "reasons": list(map(_told, reasons)), "model_version": version,
        "deleted": False,
        "position": {"topic": TOPIC, "partition": partition, "offset": offset, "item": 0, "items": 1},
    }  # fmt: skip
    return orjson.dumps(record).decode()


@lru_cache(maxsize=1 << 16)
def _told(reason: Reason) -> orjson.Fragment:
    """Most reasons are said again and again, so each is written out once."""
    return orjson.Fragment(orjson.dumps({"column": reason.column, "points": reason.points, "words": reason.words}))


def _deleted_json(arrival: Arrival, changed_at: int) -> str:
    position = Position(topic=TOPIC, partition=arrival.partition, offset=arrival.offset)
    score = ChurnScore(customer=arrival.customer, changed_at=changed_at, deleted=True, position=position)
    return score.model_dump_json(exclude_none=True)
