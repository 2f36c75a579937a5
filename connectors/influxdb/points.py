"""Records of our topics as points: one line of InfluxDB's line protocol each.

A point's tags and time are its identity, and its time is the event's: written again, it overwrites itself.

Source: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from schemas.device import Device
from schemas.topics import (
    CHURN_SCORES,
    RECOMMENDATIONS_FEEDBACK,
    TELEMETRY_ANOMALIES,
    TELEMETRY_READINGS,
    TELEMETRY_WINDOWS,
    UnreadableRecord,
    read_record,
)


def _nothing(device: str) -> str:
    return ""


def point(topic: str, value: bytes | None, metadata_of: Callable[[str], str] = _nothing) -> str:
    r"""The point of a record; that of a reading ends its fields with those that `metadata_of` gives of its device.

    Raises
    ------
    UnreadableRecord
        When it is no record of `topic`, when it has a name that no tag can have, or when the topic gives no points.

    Examples
    --------
    >>> position = b'{"topic": "telemetry.raw", "partition": 0, "offset": 3}'
    >>> reading = b'{"device": "pump 7", "metric": "flow", "event_time": 1719800000123, "value": 21.5, "position": %b}'
    >>> point("telemetry.readings", reading % position)
    'reading,device=pump\\ 7,metric=flow value=21.5 1719800000123'
    """
    if topic == TELEMETRY_READINGS.name:
        return _reading(read_record(topic, value), metadata_of)
    if topic not in _LINES:
        raise UnreadableRecord(f"{topic} has no points")
    return _LINES[topic](read_record(topic, value))


def metadata(device: Device) -> str:
    r"""What is known of a device, as fields that follow others.

    Fields and not tags: a changed tag would make a second point of a reading that is written again.

    Examples
    --------
    >>> metadata(Device(device="pump-7", site="Köln", owner='the "old" works'))
    ',site="Köln",owner="the \\"old\\" works"'
    """
    known = ((name, getattr(device, name)) for name in ("site", "model", "owner"))
    return "".join(f',{name}="{_text(value)}"' for name, value in known if value is not None)


def _reading(reading: Any, metadata_of: Callable[[str], str]) -> str:
    fields = f"value={reading.value!r}{metadata_of(reading.device)}"
    return f"reading,{_series(reading.device, reading.metric)} {fields} {reading.event_time}"


def _window(summary: Any) -> str:
    fields = ",".join(f"{name}={getattr(summary, name)!r}" for name in ("mean", "min", "max", "stddev", "last"))
    tags = f"{_series(summary.device, summary.metric)},window={_tag(summary.window)}"
    return f"reading_window,{tags} count={summary.count}i,{fields} {summary.window_start}"


def _anomaly(score: Any) -> str:
    tags = f"{_series(score.device, score.metric)},detector={_tag(score.detector)}"
    names = ("score", "value", "threshold", "expected_low", "expected_high")
    numbers = ((name, getattr(score, name)) for name in names)
    fields = "".join(f"{name}={number!r}," for name, number in numbers if number is not None)
    texts = ((name, getattr(score, name)) for name in ("kind", "explanation"))
    words = "".join(f'{name}="{_text(text)}",' for name, text in texts if text is not None)
    return f"anomaly,{tags} {fields}{words}is_anomaly={str(score.is_anomaly).lower()} {score.event_time}"


def _churn(score: Any) -> str:
    risk = "" if score.risk is None else f'risk={score.risk!r},model="{_text(score.model_version)}",'
    flags = f"at_risk={str(score.at_risk).lower()},deleted={str(score.deleted).lower()}"
    return f"churn,customer={_tag(score.customer)} {risk}{flags} {score.changed_at}"


def _feedback(feedback: Any) -> str:
    tags = (
        f"{name}={_tag(getattr(feedback, name) or 'none')}" for name in ("model_version", "source", "arm", "action")
    )
    rank = feedback.mean_reciprocal_rank
    fields = f"events={feedback.events}i" + ("" if rank is None else f",mean_reciprocal_rank={rank!r}")
    return f"recommendations,{','.join(tags)} {fields} {feedback.window_start}"


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@lru_cache(maxsize=65_536)
def _series(device: str, metric: str) -> str:
    return f"device={_tag(device)},metric={_tag(metric)}"


def can_be_tag(value: str) -> bool:
    """Line protocol has no way to write a tag that is empty, or has a backslash or a line break."""
    return bool(value) and "\\" not in value and "\n" not in value


def _tag(value: str) -> str:
    """Escaped. The cleaning lets no name pass that cannot be a tag."""
    if not can_be_tag(value):
        raise UnreadableRecord(f"{value!r} cannot be a tag")
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


_LINES: dict[str, Callable[[Any], str]] = {
    TELEMETRY_WINDOWS.name: _window,
    TELEMETRY_ANOMALIES.name: _anomaly,
    CHURN_SCORES.name: _churn,
    RECOMMENDATIONS_FEEDBACK.name: _feedback,
}
