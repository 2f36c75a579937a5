"""The row that a store refused, made again from the record in its letter.

What a store refuses stands in a topic that windows, models and the other store have read already: sent there again it
would be counted twice. So a replay goes to the store alone, whose writes overwrite. The rows are those of
jobs/store_influxdb.sql and jobs/store_redis.sql.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from connectors.redis import DeviceUpdate
from schemas.dead_letter import DeadLetter
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS, TELEMETRY_WINDOWS

INFLUXDB, REDIS = "InfluxDB", "Redis"
STORES = {"store_influxdb": INFLUXDB, "store_redis": REDIS}
"""Stage -> the store that it writes."""

READINGS, WINDOWS, ANOMALIES = TELEMETRY_READINGS.name, TELEMETRY_WINDOWS.name, TELEMETRY_ANOMALIES.name


def row(letter: DeadLetter) -> tuple[str, str | DeviceUpdate]:
    """The store and its row. Raises ValueError where the record lacks what the row needs."""
    topic = letter.position.topic if letter.position else "no topic"
    record = json.loads(letter.original or b"null")
    if not isinstance(record, dict):
        raise ValueError("no JSON object")
    make = _ROWS.get((letter.stage, topic))
    if make is None:
        raise ValueError(f"{letter.stage} reads no {topic}")
    try:
        return STORES[letter.stage], make(record)
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error


def _point_of_reading(record: Mapping[str, Any]) -> str:
    return f"reading,{_tags(record)} value={float(record['value'])!r} {int(record['event_time'])}"


def _point_of_window(record: Mapping[str, Any]) -> str:
    fields = ",".join(f"{name}={float(record[name])!r}" for name in ("mean", "min", "max", "stddev", "last"))
    tags = f"{_tags(record)},window={_tag(record['window'])}"
    return f"reading_window,{tags} count={int(record['count'])}i,{fields} {int(record['window_start'])}"


def _point_of_anomaly(record: Mapping[str, Any]) -> str:
    fields = ",".join(f"{name}={float(record[name])!r}" for name in ("score", "value", "threshold"))
    tags = f"{_tags(record)},detector={_tag(record['detector'])}"
    return f"anomaly,{tags} {fields},is_anomaly={_boolean(record)} {int(record['event_time'])}"


def _half_of_reading(record: Mapping[str, Any]) -> DeviceUpdate:
    time_ms = int(record["event_time"])
    body = f'"value":{float(record["value"])!r},"ts":{time_ms}'
    return DeviceUpdate(record["device"], record["metric"], "reading", time_ms, body)


def _half_of_anomaly(record: Mapping[str, Any]) -> DeviceUpdate:
    # Its alert was added when the half was refused: only the number of metrics is bounded.
    time_ms = int(record["event_time"])
    body = f'"score":{float(record["score"])!r},"score_ts":{time_ms},"is_anomaly":{_boolean(record)}'
    return DeviceUpdate(record["device"], record["metric"], "score", time_ms, body)


def _boolean(record: Mapping[str, Any]) -> str:
    return "true" if record["is_anomaly"] else "false"


def _tags(record: Mapping[str, Any]) -> str:
    return f"device={_tag(record['device'])},metric={_tag(record['metric'])}"


def _tag(value: str) -> str:
    """Escaped as line protocol wants it."""
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


_ROWS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], str | DeviceUpdate]] = {
    ("store_influxdb", READINGS): _point_of_reading,
    ("store_influxdb", WINDOWS): _point_of_window,
    ("store_influxdb", ANOMALIES): _point_of_anomaly,
    ("store_redis", READINGS): _half_of_reading,
    ("store_redis", ANOMALIES): _half_of_anomaly,
}
