"""Rows of the topic `customers` to records of `churn.scores`, a batch at a time.

The records are written out here, field by field as schemas.churn_score has them: pydantic's objects for each row cost
as much as everything else together.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from models.churn.onnx_model import ChurnModel
from models.churn.reasons_in_words import Reason
from schemas.churn_score import ChurnScore
from schemas.record import Position
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS

TOPIC, VERSION = CUSTOMERS.name, ChurnScore.SCHEMA_VERSION
CHANGED_AT, DELETED = "__source_ts_ms", "__deleted"
"""What change capture adds to a row (docs/change_capture.md)."""


class _Row(NamedTuple):
    place: int
    customer: str
    partition: int
    offset: int
    columns: dict[str, Any]


def outcomes(model: ChurnModel, records: Sequence[tuple[str | None, bytes | None, int, int]]) -> list[str | None]:
    """For each record (key, value, partition, offset) the JSON of its ChurnScore, or `reason: why not`.

    None for a tombstone: the deleted row came before it, with its columns.
    """
    found: list[str | None] = [None] * len(records)
    rows = []
    for place, (customer, value, partition, offset) in enumerate(records):
        if value is None:
            continue
        try:
            row = _Row(place, customer or "", partition, offset, _columns(customer, value))
        except ValueError as error:
            found[place] = f"{RejectReason.NOT_A_CUSTOMER}: {error}"
            continue
        if row.columns.get(DELETED) == "true":
            found[place] = _deleted_json(row)
        else:
            rows.append(row)
    for row, outcome in zip(rows, _scored(model, rows), strict=True):
        found[row.place] = outcome
    return found


def _columns(customer: str | None, value: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    if not customer:
        raise ValueError("the record has no key")
    columns = orjson.loads(value)
    if not isinstance(columns, dict):
        raise ValueError("the record is no JSON object")
    changed_at = columns.get(CHANGED_AT)
    if not isinstance(changed_at, int) or not 0 <= changed_at < 2**63:
        raise ValueError(f"{CHANGED_AT} is no time in ms")
    return columns


def _scored(model: ChurnModel, rows: Sequence[_Row]) -> Iterator[str]:
    if not rows:
        return
    scores = model.predict(model.columns_of([row.columns for row in rows]), reasons=True)
    threshold, version = model.contract.threshold, model.contract.version
    each = zip(rows, scores.probabilities.tolist(), scores.labels.tolist(), scores.reasons, strict=True)
    for index, (row, risk, label, reasons) in enumerate(each):
        if index in scores.refusals:
            yield f"{RejectReason.UNSCORABLE_CUSTOMER}: {scores.refusals[index]}"
        else:
            yield _json(row, risk, label, threshold, [_told(reason) for reason in reasons], version)


def _told(reason: Reason) -> dict[str, Any]:
    column, _, points, words = reason
    return {"column": column, "points": points, "words": words}


def _json(row: _Row, risk: float, label: bool, threshold: float, reasons: list[dict[str, Any]], version: str) -> str:
    _, customer, partition, offset, columns = row
    record = {
        "schema_version": VERSION, "customer": customer, "changed_at": columns[CHANGED_AT], "risk": risk,
        "at_risk": label, "threshold": threshold, "reasons": reasons, "model_version": version, "deleted": False,
        "position": {"topic": TOPIC, "partition": partition, "offset": offset, "item": 0, "items": 1},
    }  # fmt: skip
    return orjson.dumps(record).decode()


def _deleted_json(row: _Row) -> str:
    position = Position(topic=TOPIC, partition=row.partition, offset=row.offset)
    score = ChurnScore(customer=row.customer, changed_at=row.columns[CHANGED_AT], deleted=True, position=position)
    return score.model_dump_json(exclude_none=True)
