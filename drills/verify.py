"""Looks for every reading that was sent: at read_committed, in InfluxDB, in Redis."""

import json
from collections import Counter

from connectors.influxdb.reader import InfluxDBReader, milliseconds
from connectors.redis.clients import client_of, metric_states
from drills.context import Context
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
MEASUREMENTS = {"InfluxDB reading": ("reading", "value"), "InfluxDB anomaly": ("anomaly", "value")}


def verify(context: Context) -> Counts:
    """Counts as of now; while readings are under way they are lost."""
    sent = identities(context.stream.times)
    context.committed.update()
    found = {TELEMETRY_READINGS.name: context.committed.readings, TELEMETRY_ANOMALIES.name: context.committed.scores}
    lost = {place: missing(sent, there) for place, there in found.items()}
    lost["Redis"] = _behind_in_redis(context)
    if not any(lost.values()):  # a query over all points is the dearest look, and is not needed before
        found |= {place: _points(context, *of) for place, of in MEASUREMENTS.items()}
        lost |= {place: missing(sent, there) for place, there in found.items()}
    return counted(lost, {place: surplus(sent, there) for place, there in found.items()})


def verify_everything(context: Context) -> Counts:
    """As `verify`, and InfluxDB is asked also where something is missing before it."""
    counts = verify(context)
    if not counts.lost:
        return counts
    sent = identities(context.stream.times)
    points = {place: _points(context, *of) for place, of in MEASUREMENTS.items()}
    return counted(
        {**counts.lost, **{place: missing(sent, there) for place, there in points.items()}},
        {**counts.doubled, **{place: surplus(sent, there) for place, there in points.items()}},
    )


def _points(context: Context, measurement: str, field: str) -> Counter[Identity]:
    query = POINTS.format(
        bucket=context.endpoints.influxdb_bucket,
        measurement=measurement,
        field=field,
        metric=METRIC,
        prefix=context.prefix,
    )
    rows = InfluxDBReader.connect(context.endpoints).rows(query)
    return Counter((row["device"], milliseconds(row["_time"])) for row in rows)


def _behind_in_redis(context: Context) -> int:
    """Devices whose field is not the last reading that was sent, scored."""
    sent = {device: times for device, times in context.stream.times.items() if times}
    with client_of(context.endpoints, timeout_s=10) as client:
        fields = metric_states(client, [(device, METRIC) for device in sent])
    return sum(not _is_last(field, times) for field, times in zip(fields, sent.values(), strict=True))


def _is_last(field: str | None, times: list[int]) -> bool:
    state = json.loads(field) if field else {}
    return (state.get("value"), state.get("ts"), state.get("score_ts")) == (len(times) - 1, times[-1], times[-1])
