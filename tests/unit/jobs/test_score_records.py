"""Scores written out in the worker are records as schemas.anomaly_score defines them."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jobs.operators.micro_batch import micro_batch
from jobs.operators.score_records import ScoreRecords
from models.detectors import NO_EPISODE, ScoredBatch
from schemas.anomaly_explanation import explanation
from schemas.anomaly_kind import AnomalyKind
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


def written(row, low=1.0, high=2.0, kind=0, raised=0.0, group=NO_EPISODE, over_budget=False):
    device, metric, time, value, score, threshold, flagged, episode, item = row
    came = micro_batch([value_of(device, metric, time, value, time, item, 10)])
    columns = (
        [0],
        [score],
        [threshold],
        [flagged],
        [NO_EPISODE if episode is None else episode],
        [low],
        [high],
        [kind],
        [raised],
        [group],
        [over_budget],
    )
    ((key, record),) = ScoreRecords("gaussian", 2).write(came, ScoredBatch(*map(np.asarray, columns)))
    return key, record


@given(rows)
def test_each_has_its_key_and_its_record(row):
    device, metric, time, value, score, threshold, flagged, episode, item = row
    key, record = written(row)
    assert key.decode() == device
    sentence = explanation(value, 1.0, 2.0, AnomalyKind.NONE) if flagged and episode == time else None
    assert AnomalyScore.model_validate_json(record) == AnomalyScore(
        device=device, metric=metric, event_time=time, value=value, score=score, threshold=threshold,
        is_anomaly=flagged, episode=episode, detector="gaussian", detector_version=2,
        position=Position(topic="telemetry.raw", partition=3, offset=time, item=item, items=10),
        expected_low=1.0, expected_high=2.0, explanation=sentence,
    )  # fmt: skip
    unknown = (
        {"kind", "threshold_raise", "group", "over_budget"}
        | ({"episode"} if episode is None else set())
        | (set() if sentence else {"explanation"})
    )
    assert set(json.loads(record)) == set(AnomalyScore.model_fields) - unknown


def test_an_infinite_score_is_one_that_json_can_hold():
    for score in (math.inf, -math.inf):
        _, record = written(("pump-1", "flow", 1, 1.0, score, 1.0, False, None, 0))
        assert math.isfinite(AnomalyScore.model_validate_json(record).score)


def test_what_a_young_series_does_not_have_yet_is_left_out_and_read_as_null():
    _, record = written(("pump-1", "flow", 1, 1.0, math.nan, math.nan, False, None, 0), math.nan, math.nan)
    unknown = {"score", "threshold", "expected_low", "expected_high"}
    assert not unknown & set(json.loads(record))
    found = AnomalyScore.model_validate_json(record)
    assert {getattr(found, name) for name in unknown} == {None}


def test_the_sentence_stands_at_the_alert_and_the_kind_at_every_reading_of_the_episode():
    alert, later = (
        AnomalyScore.model_validate_json(written(("a", "m", time, 41.0, 9.0, 5.0, True, 7, 0), 20.1, 23.4, 1)[1])
        for time in (7, 8)
    )
    assert (alert.kind, alert.explanation) == ("spike", "expected 20.1 to 23.4, came 41: spike")
    assert (later.kind, later.explanation) == ("spike", None)


def test_an_alert_has_its_group_and_says_when_it_is_over_the_budget():
    row = ("a", "m", 7, 41.0, 9.0, 5.0, True, 7, 0)
    within, over = (
        AnomalyScore.model_validate_json(written(row, group=5, over_budget=flag)[1]) for flag in (False, True)
    )
    assert (within.group, within.over_budget, within.threshold_raise) == (5, None, None)
    assert (over.group, over.over_budget) == (5, True)


def test_a_raised_threshold_says_by_which_factor():
    _, record = written(("a", "m", 7, 41.0, 9.0, 5.0, False, None, 0), raised=math.log(1.5))
    assert math.isclose(AnomalyScore.model_validate_json(record).threshold_raise, 1.5)


def test_new_readings_come_in_the_order_in_which_they_were_scored():
    came = micro_batch([value_of(device, "m", n, n, 6 + n, 0, 3 + n) for n, device in enumerate("aba", start=1)])
    scores, zeros = ([2, 1], [0.5, 0.25], [1.0, 1.0], [False, True], [NO_EPISODE, 2]), [[0.0, 0.0]] * 4
    of_alerts = ([NO_EPISODE, NO_EPISODE], [False, False])
    scored = ScoredBatch(*map(np.asarray, (*scores, *zeros, *of_alerts)))
    written = ScoreRecords("gaussian", 1).write(came, scored)
    found = [AnomalyScore.model_validate_json(record) for _, record in written]
    assert [(s.device, s.value, s.score, s.position.offset, s.position.items) for s in found] == [
        ("a", 3.0, 0.5, 9, 6), ("b", 2.0, 0.25, 8, 5)
    ]  # fmt: skip
