"""Records of `churn.scores` written out, a column at a time.

In the order of the fields of schemas.churn_score. pydantic's objects for each row cost as much as everything else
together, and a dict for each twice what this does.
"""

from collections.abc import Iterator, Sequence

import orjson

from models.churn.contract import Contract
from models.churn.reason_text import Reason
from schemas.churn_score import ChurnScore
from schemas.topics import CUSTOMERS

_HEAD = b'{"schema_version":%d,"customer":' % ChurnScore.SCHEMA_VERSION
_TAIL = b'],"model_version":%b,"deleted":false,"position":{"topic":%b,"partition":'


def written(
    contract: Contract, customers: Sequence[str], changed_at: Sequence[int], risks: Sequence[float],
    labels: Sequence[bool], reasons: Sequence[Sequence[Reason]], partitions: Sequence[int], offsets: Sequence[int],
) -> Iterator[bytes]:  # fmt: skip
    """The JSON of each score of one model."""
    threshold, version = orjson.dumps(contract.threshold), orjson.dumps(contract.version)
    labelled = [b',"at_risk":%b,"threshold":%b,"reasons":[' % (label, threshold) for label in (b"false", b"true")]
    tail = _TAIL % (version, orjson.dumps(CUSTOMERS.name))
    names, numbers = map(orjson.dumps, customers), map(_each, (changed_at, risks, partitions, offsets))
    for customer, time, risk, partition, offset, label, why in zip(names, *numbers, labels, reasons, strict=True):
        yield b"".join((
            _HEAD, customer, b',"changed_at":', time, b',"risk":', risk, labelled[label],
            b",".join([reason.json for reason in why]), tail, partition, b',"offset":', offset,
            b',"item":0,"items":1}}',
        ))  # fmt: skip


def _each(numbers: Sequence[float]) -> list[bytes]:
    """The JSON of each, in one call."""
    return orjson.dumps(numbers)[1:-1].split(b",")
