"""Watches Redis as an application would: how old is a reading, and its score, when it first shows there."""

import json
import threading
import time
from collections.abc import Sequence

from connectors.endpoints import Endpoints
from connectors.redis.clients import client_of, metric_states

POLL_S = 0.02


class LatencyWatch:
    """Polls some series every 20 ms in a thread of its own. Ages in ms, event time against this machine's clock.

    Right only for readings that are stamped as they are sent, by this machine.
    """

    def __init__(self, endpoints: Endpoints, series: Sequence[tuple[str, str]]) -> None:
        self._client = client_of(endpoints)
        self._series = series
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="latency", daemon=True)
        self._started_ms = 0
        self.readings_ms: list[float] = []
        self.scores_ms: list[float] = []

    def start(self) -> "LatencyWatch":
        """Begins to watch; what was there before is not counted."""
        self._started_ms = int(time.time() * 1000)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        seen: dict[tuple[str, str, str], int] = {}
        while not self._stop.is_set():
            states = metric_states(self._client, self._series)
            now_ms = time.time() * 1000
            for (device, metric), state in zip(self._series, states, strict=True):
                fields = json.loads(state) if state else {}
                for name, ages in (("ts", self.readings_ms), ("score_ts", self.scores_ms)):
                    event_time = fields.get(name)
                    if event_time and event_time >= self._started_ms and seen.get((device, metric, name)) != event_time:
                        seen[device, metric, name] = event_time
                        ages.append(now_ms - event_time)
            self._stop.wait(POLL_S)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; nan of nothing.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
