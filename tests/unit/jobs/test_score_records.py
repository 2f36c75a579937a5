"""Scores written out in the worker are records as schemas.anomaly_score defines them."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jobs.operators.micro_batch import micro_batch
from jobs.operators.score_records import ScoreRecords
from models.detectors import NO_EPISODE, ScoredBatch
from schemas.anomaly_score import AnomalyScore
from schemas.reading import Reading
from schemas.record import Position

finite = st.floats(allow_nan=False, allow_infinity=False)
times = st.integers(0, 2**53)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
rows = st.tuples(names, names, times, finite, finite, finite, st.booleans(), st.none() | times, st.integers(0, 9))


def value_of(device, metric, event_time, value, offset, item, items):
    position = Position(topic="telemetry.raw", partition=3, offset=offset, item=item, items=items)
    reading = Reading(device=device, metric=metric, event_time=event_time, value=value, position=position)
    return reading.model_dump_json().encode()


def written(row):
    device, metric, time, value, score, threshold, flagged, episode, item = row
    came = micro_batch([value_of(device, metric, time, value, time, item, 10)])
    columns = ([0], [score], [threshold], [flagged], [NO_EPISODE if episode is None else episode], [1.0], [2.0], [0])
    ((key, record),) = ScoreRecords("gaussian", 2).write(came, ScoredBatch(*map(np.asarray, columns)))
    return key, record


@given(rows)
def test_each_has_its_key_and_its_record(row):
    device, metric, time, value, score, threshold, flagged, episode, item = row
    key, record = written(row)
    assert key.decode() == device
    assert AnomalyScore.model_validate_json(record) == AnomalyScore(
        device=device, metric=metric, event_time=time, value=value, score=score, threshold=threshold,
        is_anomaly=flagged, episode=episode, detector="gaussian", detector_version=2,
        position=Position(topic="telemetry.raw", partition=3, offset=time, item=item, items=10),
    )  # fmt: skip
    assert set(json.loads(record)) == set(AnomalyScore.model_fields) - ({"episode"} if episode is None else set())


def test_a_score_that_is_no_number_is_one_that_json_can_hold():
    for score in (math.nan, math.inf, -math.inf):
        row = ("pump-1", "flow", 1, 1.0, score, 1.0, False, None, 0)
        _, record = written(row)
        assert math.isfinite(AnomalyScore.model_validate_json(record).score)


def test_new_readings_come_in_the_order_in_which_they_were_scored():
    came = micro_batch([value_of(device, "m", n, n, 6 + n, 0, 3 + n) for n, device in enumerate("aba", start=1)])
    scored = ScoredBatch(
        *map(np.asarray, ([2, 1], [0.5, 0.25], [1.0, 1.0], [False, True], [NO_EPISODE, 2], *[[0.0, 0.0]] * 3))
    )
    written = ScoreRecords("gaussian", 1).write(came, scored)
    found = [AnomalyScore.model_validate_json(record) for _, record in written]
    assert [(s.device, s.value, s.score, s.position.offset, s.position.items) for s in found] == [
        ("a", 3.0, 0.5, 9, 6), ("b", 2.0, 0.25, 8, 5)
    ]  # fmt: skip
