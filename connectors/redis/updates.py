"""Records of our topics as updates of a device's state in Redis."""

import json
from collections.abc import Callable
from typing import Any

from connectors.redis.device_state import ChurnUpdate, DeviceUpdate, Update, VerdictUpdate
from schemas.topics import (
    CHURN_SCORES,
    TELEMETRY_ANOMALIES,
    TELEMETRY_READINGS,
    TELEMETRY_VERDICTS,
    UnreadableRecord,
    read_record,
)


def update(topic: str, value: bytes | None) -> Update:
    """The half of a metric's state, the verdict on an alert, or the churn risk of a customer, that a record is.

    Raises
    ------
    UnreadableRecord
        When it is no record of `topic`, or when Redis holds nothing of that topic.

    Examples
    --------
    >>> position = b'{"topic": "telemetry.raw", "partition": 0, "offset": 3}'
    >>> reading = b'{"device": "pump-7", "metric": "flow", "event_time": 1719800000123, "value": 21.5, "position": %b}'
    >>> update("telemetry.readings", reading % position).body
    '"value":21.5,"ts":1719800000123'
    """
    if topic not in _UPDATES:
        raise UnreadableRecord(f"Redis holds nothing of {topic}")
    return _UPDATES[topic](read_record(topic, value))


def _reading(reading: Any) -> DeviceUpdate:
    body = f'"value":{reading.value!r},"ts":{reading.event_time}'
    return DeviceUpdate(reading.device, reading.metric, "reading", reading.event_time, body)


def _score(score: Any) -> DeviceUpdate:
    if score.position is None:  # of no reading: the newest score stays
        return DeviceUpdate(score.device, score.metric, "alert", score.event_time, "", _alert(score))
    is_anomaly = str(score.is_anomaly).lower()
    number = "null" if score.score is None else repr(score.score)
    body = f'"score":{number},"score_ts":{score.event_time},"is_anomaly":{is_anomaly}'
    if score.threshold_raise is not None:
        body += f',"threshold_raise":{score.threshold_raise!r}'
    return DeviceUpdate(score.device, score.metric, "score", score.event_time, body, _alert(score))


def _alert(score: Any) -> str | None:
    """The first flagged reading of an episode is the alert, the others of the episode are not."""
    if not score.is_anomaly or score.episode != score.event_time:
        return None
    alert = {
        "device": score.device,
        "metric": score.metric,
        "ts": score.event_time,
        "value": score.value,
        "score": score.score,
    }
    names = ("expected_low", "expected_high", "kind", "explanation", "group", "over_budget")
    why = {name: getattr(score, name) for name in names}
    known = {name: each for name, each in why.items() if each is not None}
    return json.dumps(alert | {"detector": score.detector} | known, ensure_ascii=False, separators=(",", ":"))


def _verdict(verdict: Any) -> VerdictUpdate:
    # The time stands first: no note can be taken for it.
    said = {"at": verdict.decided_at, "verdict": verdict.verdict}
    noted = said if verdict.note is None else said | {"note": verdict.note}
    body = json.dumps(noted, ensure_ascii=False, separators=(",", ":"))
    return VerdictUpdate(verdict.device, verdict.metric, verdict.episode, verdict.decided_at, body)


def _churn(score: Any) -> ChurnUpdate:
    if score.deleted:
        return ChurnUpdate(score.customer, score.changed_at, None)
    shown = {
        "risk": score.risk,
        "at_risk": score.at_risk,
        "reasons": [reason.words for reason in score.reasons],
        "model": score.model_version,
        "ts": score.changed_at,
    }
    return ChurnUpdate(score.customer, score.changed_at, json.dumps(shown, ensure_ascii=False, separators=(",", ":")))


_UPDATES: dict[str, Callable[[Any], Update]] = {
    TELEMETRY_READINGS.name: _reading,
    TELEMETRY_ANOMALIES.name: _score,
    TELEMETRY_VERDICTS.name: _verdict,
    CHURN_SCORES.name: _churn,
}
