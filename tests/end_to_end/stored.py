"""How many points InfluxDB holds."""

from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader, text

# stop: a device's clock may run up to 5 minutes ahead, and range() ends at now() by itself.
COUNT_POINTS = """
from(bucket: {bucket})
  |> range(start: 2010-01-01T00:00:00Z, stop: 2100-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == {measurement} and r._field == {field})
  |> count() |> group() |> sum()
"""


def influxdb_points(endpoints: Endpoints, measurement: str, field: str) -> int:
    """How many points of a measurement the bucket holds."""
    names = {"bucket": endpoints.influxdb_bucket, "measurement": measurement, "field": field}
    query = COUNT_POINTS.format(**{name: text(value) for name, value in names.items()})
    return sum(int(row["_value"]) for row in InfluxDBReader.connect(endpoints).rows(query))
