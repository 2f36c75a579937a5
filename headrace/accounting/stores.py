"""What InfluxDB and Redis hold, against the readings of the ledger."""

import json

import redis
from influxdb_client.client.influxdb_client import InfluxDBClient

from connectors.endpoints import Endpoints
from headrace.accounting.ledger import Ledger

# stop: a device's clock may run up to 5 minutes ahead, and range() ends at now() by itself.
COUNT_POINTS = """
from(bucket: "{bucket}")
  |> range(start: 2010-01-01T00:00:00Z, stop: 2100-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "{field}")
  |> count() |> group() |> sum()
"""


def influxdb_points(endpoints: Endpoints, measurement: str, field: str) -> int:
    """How many points of a measurement the bucket holds."""
    token = endpoints.influxdb_token.get_secret_value() if endpoints.influxdb_token else ""
    with InfluxDBClient(endpoints.influxdb_url, token, org=endpoints.influxdb_org, timeout=60_000) as client:
        query = COUNT_POINTS.format(bucket=endpoints.influxdb_bucket, measurement=measurement, field=field)
        return sum(record.get_value() for table in client.query_api().query(query) for record in table.records)


def influxdb_differences(endpoints: Endpoints, ledger: Ledger) -> list[str]:
    """Points of `reading` against identities of readings."""
    stored = influxdb_points(endpoints, "reading", "value")
    if stored == len(ledger.identities):
        return []
    return [f"InfluxDB holds {stored} readings, the topic {len(ledger.identities)} identities"]


def redis_differences(endpoints: Endpoints, ledger: Ledger) -> list[str]:
    """Each field of each device against the newest reading of that series."""
    client = redis.Redis.from_url(endpoints.redis_url, decode_responses=True)
    devices = sorted({device for device, _ in ledger.newest})
    pipeline = client.pipeline(transaction=False)
    for device in devices:
        pipeline.hgetall(f"device:{device}")
    held = dict(zip(devices, pipeline.execute(), strict=True))
    client.close()
    behind = [
        f"{device}/{metric}"
        for (device, metric), (event_time, value) in ledger.newest.items()
        if not _is(held[device].get(metric), event_time, value)
    ]
    return [f"Redis is behind in {len(behind)} series, the first {behind[0]}"] if behind else []


def _is(field: str | None, event_time: int, value: float) -> bool:
    if field is None:
        return False
    state = json.loads(field)
    return bool(state["ts"] == event_time and state["value"] == value)
