"""Watches both stores while the stream flows, and measures how long a reading takes until it is there."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader, milliseconds
from connectors.redis.clients import client_of, metric_states
from connectors.stores import StoreUnavailable
from drills.stream import METRIC, NumberedStream

REDIS_EVERY_S = 0.2
INFLUXDB_EVERY_S = 1.0
MEASUREMENTS = ("reading", "anomaly")
# Scores and readings arrive through different jobs: a device is as far as the slower of the two.
NEWEST_POINTS = """
from(bucket: "{bucket}")
  |> range(start: -15m, stop: 10m)
  |> filter(fn: (r) => r._measurement == "reading" and r._field == "value"
    or r._measurement == "anomaly" and r._field == "value")
  |> filter(fn: (r) => r.metric == "{metric}" and r.device =~ /^{prefix}/)
  |> last() |> keep(columns: ["_time", "_measurement", "device"])
"""


class StoreWatch:
    """The newest reading that stands in one store with its score, and the longest that one had to wait.

    `longest_s` is what a reading waited between its sending and its standing in the store, the worst of all: a
    store, or anything on the way to it, that stands still shows as the time it stood still.
    """

    def __init__(self, stream: NumberedStream, look: Callable[[], Mapping[str, int]], every_s: float) -> None:
        self._stream = stream
        self._look = look
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-watch", daemon=True)
        self.newest: dict[str, int] = dict.fromkeys(stream.devices, 0)
        self.longest_s = 0.0

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()

    def forget(self) -> None:
        """The longest wait counts from now."""
        self.longest_s = 0.0

    def has_all_up_to(self, time_ms: int) -> bool:
        """Whether of every device a reading stands there that was sent after `time_ms`."""
        return all(self.newest[device] > time_ms for device in self._stream.talking)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.update(self._look(), time.time() * 1000)

    def update(self, newest: Mapping[str, int], now_ms: float) -> None:
        """Takes over what the store holds at `now_ms`."""
        for device in self.newest.keys() & newest.keys():
            self.newest[device] = max(newest[device], self.newest[device])
        for device, time_ms in self.newest.items():
            waiting = self._stream.first_after(device, time_ms)
            if waiting is not None:
                self.longest_s = max(self.longest_s, (now_ms - waiting) / 1000)


def watch_redis(endpoints: Endpoints, stream: NumberedStream) -> StoreWatch:
    """Of Redis, 5 times a second."""
    client = client_of(endpoints, timeout_s=2)
    series = [(device, METRIC) for device in stream.devices]

    def look() -> dict[str, int]:
        try:
            fields = metric_states(client, series)
        except StoreUnavailable:
            return {}  # nothing new is to be seen, and the readings go on waiting
        return dict(zip(stream.devices, (_slower_half(field) for field in fields), strict=True))

    return StoreWatch(stream, look, REDIS_EVERY_S)


def watch_influxdb(endpoints: Endpoints, stream: NumberedStream, prefix: str) -> StoreWatch:
    """Of InfluxDB, once a second; `prefix` is what the stream's devices begin with."""
    reader = InfluxDBReader.connect(endpoints)
    query = NEWEST_POINTS.format(bucket=endpoints.influxdb_bucket, metric=METRIC, prefix=prefix)

    def look() -> dict[str, int]:
        try:
            return _slower_measurement(reader.rows(query))
        except StoreUnavailable:
            return {}  # as above

    return StoreWatch(stream, look, INFLUXDB_EVERY_S)


def _slower_half(field: str | None) -> int:
    if field is None:
        return 0
    state = json.loads(field)
    return min(state["ts"] or 0, state["score_ts"] or 0)


def _slower_measurement(points: Iterable[Mapping[str, str]]) -> dict[str, int]:
    times: dict[str, dict[str, int]] = {}
    for point in points:
        times.setdefault(point["device"], {})[point["_measurement"]] = milliseconds(point["_time"])
    return {device: min(found.values()) if len(found) == len(MEASUREMENTS) else 0 for device, found in times.items()}
