"""What InfluxDB holds, asked by the product's own reader."""

from collections.abc import Sequence

from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader, text
from connectors.influxdb.writer import http_client

# stop: a device's clock may run up to 5 minutes ahead, and range() ends at now() by itself.
_POINTS = """
from(bucket: {bucket})
  |> range(start: 2010-01-01T00:00:00Z, stop: 2100-01-01T00:00:00Z)
  |> filter(fn: (r) => {condition})
"""


def points(endpoints: Endpoints, measurement: str, device: str) -> Sequence[dict[str, str]]:
    """A row for each field of each point of a device, as texts: `_time`, `_field`, `_value` and the tags."""
    condition = f"r._measurement == {text(measurement)} and r.device == {text(device)}"
    return _rows(endpoints, _POINTS.format(bucket=text(endpoints.influxdb_bucket), condition=condition))


def number_of_points(endpoints: Endpoints, measurement: str, field: str) -> int:
    """How many points of a measurement have the field."""
    condition = f"r._measurement == {text(measurement)} and r._field == {text(field)}"
    query = _POINTS.format(bucket=text(endpoints.influxdb_bucket), condition=condition)
    return sum(int(row["_value"]) for row in _rows(endpoints, f"{query} |> count() |> group() |> sum()"))


def _rows(endpoints: Endpoints, flux: str) -> Sequence[dict[str, str]]:
    with http_client(endpoints, timeout_s=60.0) as client:
        return list(InfluxDBReader(client, endpoints.influxdb_org, endpoints.influxdb_bucket).rows(flux))
