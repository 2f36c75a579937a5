"""Looks for every reading that was sent: at read_committed, in InfluxDB, in Redis."""

import json
from collections import Counter

import redis

from connectors.influxdb.reader import InfluxDBReader, milliseconds
from drills.context import Scene
from drills.counts import Counts, Identity, counted, identities, missing, surplus
from drills.stream import METRIC
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS

POINTS = """
from(bucket: "{bucket}")
  |> range(start: 2010-01-01T00:00:00Z, stop: 2100-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "{field}")
  |> filter(fn: (r) => r.metric == "{metric}" and r.device =~ /^{prefix}/)
  |> keep(columns: ["_time", "device"])
"""
MEASUREMENTS = {"InfluxDB reading": ("reading", "value"), "InfluxDB anomaly": ("anomaly", "score")}


def verify(scene: Scene) -> Counts:
    """Counts as of now; while readings are under way they are lost."""
    sent = identities(scene.stream.times)
    scene.committed.update()
    found = {TELEMETRY_READINGS.name: scene.committed.readings, TELEMETRY_ANOMALIES.name: scene.committed.scores}
    lost = {place: missing(sent, there) for place, there in found.items()}
    lost["Redis"] = _behind_in_redis(scene)
    if not any(lost.values()):  # a query over all points is the dearest look, and is not needed before
        found |= {place: _points(scene, *of) for place, of in MEASUREMENTS.items()}
        lost |= {place: missing(sent, there) for place, there in found.items()}
    return counted(lost, {place: surplus(sent, there) for place, there in found.items()})


def verify_everything(scene: Scene) -> Counts:
    """As `verify`, and InfluxDB is asked also where something is missing before it."""
    counts = verify(scene)
    if not counts.lost:
        return counts
    sent = identities(scene.stream.times)
    points = {place: _points(scene, *of) for place, of in MEASUREMENTS.items()}
    return counted(
        {**counts.lost, **{place: missing(sent, there) for place, there in points.items()}},
        {**counts.doubled, **{place: surplus(sent, there) for place, there in points.items()}},
    )


def _points(scene: Scene, measurement: str, field: str) -> Counter[Identity]:
    query = POINTS.format(
        bucket=scene.endpoints.influxdb_bucket,
        measurement=measurement,
        field=field,
        metric=METRIC,
        prefix=scene.prefix,
    )
    rows = InfluxDBReader.connect(scene.endpoints).rows(query)
    return Counter((row["device"], milliseconds(row["_time"])) for row in rows)


def _behind_in_redis(scene: Scene) -> int:
    """Devices whose field is not the last reading that was sent, scored."""
    client = redis.Redis.from_url(scene.endpoints.redis_url, decode_responses=True, socket_timeout=10)
    pipeline = client.pipeline(transaction=False)
    sent = {device: times for device, times in scene.stream.times.items() if times}
    for device in sent:
        pipeline.hget(f"device:{device}", METRIC)
    fields = pipeline.execute()
    client.close()
    return sum(not _is_last(field, times) for field, times in zip(fields, sent.values(), strict=True))


def _is_last(field: str | None, times: list[int]) -> bool:
    state = json.loads(field) if field else {}
    return (state.get("value"), state.get("ts"), state.get("score_ts")) == (len(times) - 1, times[-1], times[-1])
