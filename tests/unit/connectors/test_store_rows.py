"""What a record becomes in InfluxDB and in Redis. The rows themselves: test_dead_letters_replaying.py."""

import json

import pytest

from connectors.influxdb.points import point
from connectors.redis.updates import update
from schemas.topics import UnreadableRecord

POSITION = {"topic": "telemetry.raw", "partition": 0, "offset": 5}
READING = {"device": "pump", "metric": "flow", "event_time": 1719800000123, "value": 21.5, "position": POSITION}
SCORE = READING | {"score": 0.5, "threshold": 1, "is_anomaly": True, "detector": "gaussian", "detector_version": 1}
TOPICS = {"telemetry.readings": READING, "telemetry.anomalies": SCORE}
EPISODE = {"episode": SCORE["event_time"]}


def value(record):
    return json.dumps(record).encode()


@pytest.mark.parametrize("row_of", [point, update])
@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"value": "warm"}, "value: Input should be a valid number"),
        ({"value": float("nan")}, "value: Input should be a finite number"),
        ({"event_time": None}, "event_time: Input should be a valid integer"),
        ({"device": 7}, "device: Input should be a valid string"),
    ],
)
def test_a_record_with_a_wrong_field_is_refused_with_its_name(row_of, topic, bad, words):
    with pytest.raises(UnreadableRecord, match=words):
        row_of(topic, value(TOPICS[topic] | bad))


@pytest.mark.parametrize("row_of", [point, update])
@pytest.mark.parametrize("bad", [None, b"", b"null", b"[]", b"\xff", b'{"device":'])
def test_what_is_no_object_is_refused(row_of, bad):
    with pytest.raises(UnreadableRecord, match=r"no record of telemetry\.readings"):
        row_of("telemetry.readings", bad)


@pytest.mark.parametrize(("row_of", "topic"), [(point, "dead-letters"), (update, "telemetry.windows"), (point, "x")])
def test_a_topic_that_a_store_does_not_hold_is_refused(row_of, topic):
    with pytest.raises(UnreadableRecord, match=topic):
        row_of(topic, value(READING))


@pytest.mark.parametrize("device", ["a\nb", "a\\", ""])
def test_a_name_that_would_break_a_line_is_refused(device):
    with pytest.raises(UnreadableRecord, match="cannot be a tag"):
        point("telemetry.readings", value(READING | {"device": device}))


@pytest.mark.parametrize("number", [5e-324, 1.7976931348623157e308, 0.1, -0.0, 1e22, 123456789.12345679])
def test_a_number_is_written_so_that_it_reads_as_it_was(number):
    line = point("telemetry.readings", value(READING | {"value": number}))
    body = update("telemetry.readings", value(READING | {"value": number})).body
    assert repr(float(line.split("value=")[1].split(" ")[0])) == repr(number)
    assert repr(json.loads("{" + body + "}")["value"]) == repr(number)


def test_the_first_flagged_reading_of_an_episode_is_its_alert():
    first, later, outside = (SCORE | EPISODE, SCORE | {"episode": 1}, SCORE | EPISODE | {"is_anomaly": False})
    alert = update("telemetry.anomalies", value(first)).alert
    assert json.loads(alert) == {
        "device": "pump", "metric": "flow", "ts": SCORE["event_time"], "value": 21.5, "score": 0.5,
        "detector": "gaussian",
    }  # fmt: skip
    assert [update("telemetry.anomalies", value(each)).alert for each in (later, outside)] == [None, None]


def test_a_score_that_is_null_is_no_field_in_influxdb_and_null_in_redis():
    young = SCORE | {"score": None, "threshold": None, "is_anomaly": False}
    assert point("telemetry.anomalies", value(young)) == (
        "anomaly,device=pump,metric=flow,detector=gaussian value=21.5,is_anomaly=false 1719800000123"
    )
    body = update("telemetry.anomalies", value(young)).body
    assert json.loads("{" + body + "}") == {"score": None, "score_ts": 1719800000123, "is_anomaly": False}


def test_an_alert_says_what_was_expected_in_both_stores():
    why = {"expected_low": 20.1, "expected_high": 23.4, "kind": "spike", "explanation": 'came "41"'}
    record = value(SCORE | EPISODE | why)
    assert point("telemetry.anomalies", record).split(" ", 1)[1] == (
        "score=0.5,value=21.5,threshold=1.0,expected_low=20.1,expected_high=23.4,"
        'kind="spike",explanation="came \\"41\\"",is_anomaly=true 1719800000123'
    )
    assert why.items() <= json.loads(update("telemetry.anomalies", record).alert).items()


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            {"window_start": 60000, "source": "popular", "action": "shown", "events": 3},
            "recommendations,model_version=none,source=popular,arm=none,action=shown events=3i 60000",
        ),
        (
            {
                "window_start": 60000, "model_version": "v 1", "source": "personal", "arm": "a/control",
                "action": "buy", "events": 2, "mean_reciprocal_rank": 0.75,
            },
            "recommendations,model_version=v\\ 1,source=personal,arm=a/control,action=buy "
            "events=2i,mean_reciprocal_rank=0.75 60000",
        ),
    ],
)  # fmt: skip
def test_feedback_on_lists_is_a_point_of_its_model_and_arm(record, line):
    assert point("recommendations.feedback", value(record)) == line


MISSING = {
    "device": "pump", "metric": "flow", "event_time": 1719800040123, "episode": 1719800040123, "is_anomaly": True,
    "detector": "clock", "detector_version": 1, "kind": "missing", "explanation": "nothing for 45 s",
}  # fmt: skip


def test_a_missing_series_is_a_point_of_its_own_without_numbers():
    line = point("telemetry.anomalies", value(MISSING))
    tags, fields, time = line.replace("nothing for 45 s", "nothing").split(" ")
    assert tags == "anomaly,device=pump,metric=flow,detector=clock"
    assert fields == 'kind="missing",explanation="nothing",is_anomaly=true'
    assert time == "1719800040123"


def test_a_missing_series_is_an_alert_in_redis_and_leaves_the_newest_score_alone():
    found = update("telemetry.anomalies", value(MISSING))
    assert (found.half, found.body, found.time_ms) == ("alert", "", 1719800040123)
    assert json.loads(found.alert) == {
        "device": "pump", "metric": "flow", "ts": 1719800040123, "value": None, "score": None, "detector": "clock",
        "kind": "missing", "explanation": "nothing for 45 s",
    }  # fmt: skip
