"""The readings among some values, whatever else stands there."""

import json

import numpy as np
import pytest

from jobs.operators.micro_batch import micro_batch, scored
from schemas.record import MAX_PARTITIONS
from tests.unit.jobs.micro_batches import scattered

POSITION = {"topic": "telemetry.raw", "partition": 1, "offset": 7, "item": 2, "items": 3}
READING = {"schema_version": 1, "device": "pump-1", "metric": "flow", "event_time": 1000, "value": 0.5,
           "position": POSITION}  # fmt: skip


def value(**changes):
    return json.dumps(READING | changes).encode()


def test_the_columns_are_those_of_the_readings():
    batch = micro_batch([value(), value(device="pump-2", value=3)]).readings
    assert batch.keys == [("pump-1", "flow"), ("pump-2", "flow")]
    for column, expected in ((batch.event_times, 1000), (batch.partitions, 1), (batch.offsets, 7), (batch.items, 2)):
        assert column.dtype == np.int64
        assert column.tolist() == [expected, expected]
    assert batch.values.tolist() == [0.5, 3.0]


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"null", b"[]", b"{}", b"{", b"\xff", b"7", b"{},{}", value()[:-1], value() + b"," + value(),
        value(device=7), value(device=None), value(metric=["flow"]), value(value=None), value(value="warm"),
        value(value=float("nan")), value(value=1e308).replace(b"e+308", b"e+999"), value(event_time=1.5),
        value(event_time=2**63), value(event_time=None), value(position=None), value(position=7),
        value(position=POSITION | {"partition": -1}), value(position=POSITION | {"partition": MAX_PARTITIONS}),
        value(position=POSITION | {"offset": -1}), value(position=POSITION | {"offset": 2**64}),
        value(position=POSITION | {"item": 2**31}), value(position=POSITION | {"items": "many"}),
    ],
)  # fmt: skip
def test_what_is_no_reading_is_left_out_and_takes_no_other_with_it(bad):
    came = micro_batch([value(), bad, value(device="pump-2")])
    assert [device for device, _ in came.readings.keys] == ["pump-1", "pump-2"]
    assert len(came.records) == 2


def test_what_would_be_readings_only_together_is_none():
    halves = [value()[:-1], b'"unit": "bar"}', value() + b"," + value()]
    assert len(micro_batch(halves).readings) == 0
    assert micro_batch([*halves, value(device="pump-2")]).readings.keys == [("pump-2", "flow")]


def test_there_may_be_no_reading():
    assert len(micro_batch([b"{}"]).readings) == 0
    assert len(micro_batch([]).readings) == 0


def test_what_a_position_may_leave_out_has_its_default():
    (record,) = micro_batch([value(position={"topic": "telemetry.raw", "partition": 0, "offset": 1})]).records
    assert (record["position"]["item"], record["position"]["items"]) == (0, 1)


def test_scored_records_come_apart_again():
    records = [(b"pump-1", b'{"score":0.5}'), (b"", b""), ("Pümpe".encode(), b"{}")]
    assert list(scattered(scored(records))) == records
