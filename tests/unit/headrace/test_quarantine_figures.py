"""Quarantined records among the newest dead letters."""

import json
from collections import namedtuple

import pytest

from headrace.monitoring.quarantine import RECENT_S, QuarantineFigures, figures
from schemas.dead_letter import DeadLetter
from schemas.reject_reasons import RejectReason

Record = namedtuple("Record", "partition offset timestamp value")
NOW_MS = 1_764_000_000_000


def letter(reason=RejectReason.QUARANTINED, stage="clean_telemetry", **more):
    return DeadLetter(reason=reason, stage=stage, first_seen=NOW_MS, **more).model_dump_json().encode()


def test_they_are_counted_by_stage_and_the_newest_is_named():
    records = [
        Record(0, 5, NOW_MS - 9, letter()),
        Record(2, 7, NOW_MS - 1, letter(stage="store_redis")),
        Record(1, 6, NOW_MS - 2, letter()),
    ]
    assert figures(records, NOW_MS) == QuarantineFigures({"clean_telemetry": 2, "store_redis": 1}, "2:7")


def test_what_is_older_than_a_day_is_past():
    assert figures([Record(0, 5, NOW_MS - RECENT_S * 1000 - 1, letter())], NOW_MS) == QuarantineFigures()
    assert figures([Record(0, 5, NOW_MS - RECENT_S * 1000, letter())], NOW_MS).newest == "0:5"


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"quarantined", b'"quarantined"', b"[]", b'{"reason":"quarantined"}',
        letter(RejectReason.NOT_JSON, detail="it says quarantined"), json.dumps(["quarantined"]).encode(),
    ],
)  # fmt: skip
def test_other_records_are_none_of_them(value):
    assert figures([Record(0, 5, NOW_MS, value)], NOW_MS) == QuarantineFigures()
