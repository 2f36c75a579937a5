"""What InfluxDB and Redis hold, read from them."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader, instant, milliseconds
from connectors.redis.clients import client_of, metric_states

TIME_LIMIT_S = 60.0

_READ_POINTS = """
from(bucket: "{bucket}")
  |> range(start: {start}, stop: {stop})
  |> filter(fn: (r) => r._measurement == "reading" and r._field == "value")
  |> keep(columns: ["_time", "_value", "device", "metric"])
"""


class Point(NamedTuple):
    """A reading as InfluxDB holds it. Time in ms since the epoch."""

    device: str
    metric: str
    time: int
    value: float


class PointStore(Protocol):
    """Where readings are kept as points."""

    def points(self, start_ms: int, stop_ms: int) -> Iterable[Point]:
        """All readings from `start_ms` to before `stop_ms`."""

    def kept_since_ms(self) -> int:
        """Older points may be gone, by the store's own retention. 0: it keeps everything."""


class StateStore(Protocol):
    """Where the newest reading of each series is kept."""

    def states(self, series: Sequence[tuple[str, str]]) -> Sequence[str | None]:
        """For each device and metric the JSON of its state, or None."""


class InfluxDBPoints:
    """Streams points, a row at a time. Raises as InfluxDBReader does."""

    def __init__(self, reader: InfluxDBReader) -> None:
        self._reader = reader

    def points(self, start_ms: int, stop_ms: int) -> Iterator[Point]:
        query = _READ_POINTS.format(bucket=self._reader.bucket, start=instant(start_ms), stop=instant(stop_ms))
        return (
            Point(row["device"], row["metric"], milliseconds(row["_time"]), float(row["_value"]))
            for row in self._reader.rows(query)
        )

    def kept_since_ms(self) -> int:
        retention_s = self._reader.retention_s()
        return int((time.time() - retention_s) * 1000) if retention_s else 0


class RedisStates:
    """Asks Redis for many states at once. Raises StoreError when it does not answer, or refuses."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def states(self, series: Sequence[tuple[str, str]]) -> Sequence[str | None]:
        with client_of(self._endpoints, TIME_LIMIT_S) as client:
            return metric_states(client, series)
