"""What InfluxDB and Redis hold, read from them."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import redis

from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader, instant, milliseconds
from connectors.stores import StoreUnavailable
from schemas.redis_keys import DEVICE

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
    """Asks Redis for many states at once. Raises StoreUnavailable when it does not answer."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def states(self, series: Sequence[tuple[str, str]]) -> Sequence[str | None]:
        # A value that is no UTF-8 is a value that differs, not an error.
        client = redis.Redis.from_url(
            self._endpoints.redis_url,
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=TIME_LIMIT_S,
            socket_connect_timeout=5,
        )
        try:
            pipeline = client.pipeline(transaction=False)
            for device, metric in series:
                pipeline.hget(DEVICE.key(device), metric)
            return list(pipeline.execute())
        except redis.exceptions.RedisError as error:
            raise StoreUnavailable(f"Redis does not answer ({error})") from error
        finally:
            client.close()
