"""Rows of the topic `customers` to records of `churn.scores`, a batch at a time."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.churn.onnx_model import ChurnModel, Scores
from schemas.churn_score import ChurnReason, ChurnScore
from schemas.record import Position
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS

CHANGED_AT, DELETED = "__source_ts_ms", "__deleted"
"""What change capture adds to a row (docs/change_capture.md)."""


class _Row(NamedTuple):
    place: int
    customer: str
    position: Position
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
            columns = _columns(customer, value)
        except ValueError as error:
            found[place] = f"{RejectReason.NOT_A_CUSTOMER}: {error}"
            continue
        position = Position(topic=CUSTOMERS.name, partition=partition, offset=offset)
        row = _Row(place, customer or "", position, columns)
        if columns.get(DELETED) == "true":
            found[place] = _deleted(row).model_dump_json(exclude_none=True)
        else:
            rows.append(row)
    for row, outcome in zip(rows, _scored(model, rows), strict=True):
        found[row.place] = outcome
    return found


def _columns(customer: str | None, value: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    if not customer:
        raise ValueError("the record has no key")
    try:
        columns = json.loads(value)
    except RecursionError as error:
        raise ValueError("the record is nested too deep") from error
    if not isinstance(columns, dict):
        raise ValueError("the record is no JSON object")
    changed_at = columns.get(CHANGED_AT)
    if not isinstance(changed_at, int) or not 0 <= changed_at < 2**63:
        raise ValueError(f"{CHANGED_AT} is no time in ms")
    return columns


def _deleted(row: _Row) -> ChurnScore:
    return ChurnScore(customer=row.customer, changed_at=row.columns[CHANGED_AT], deleted=True, position=row.position)


def _scored(model: ChurnModel, rows: Sequence[_Row]) -> list[str]:
    if not rows:
        return []
    scores = model.predict(model.columns_of([row.columns for row in rows]), reasons=True)
    return [
        f"{RejectReason.UNSCORABLE_CUSTOMER}: {scores.refusals[index]}"
        if index in scores.refusals
        else _score(model, row, scores, index).model_dump_json(exclude_none=True)
        for index, row in enumerate(rows)
    ]


def _score(model: ChurnModel, row: _Row, scores: Scores, index: int) -> ChurnScore:
    contract = model.contract
    return ChurnScore(
        customer=row.customer,
        changed_at=row.columns[CHANGED_AT],
        risk=float(scores.probabilities[index]),
        at_risk=bool(scores.labels[index]),
        threshold=contract.threshold,
        reasons=tuple(
            ChurnReason(column=each.column, points=each.points, words=each.words) for each in scores.reasons[index]
        ),
        model_version=contract.version,
        position=row.position,
    )
