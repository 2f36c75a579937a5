"""The readings that every system scores: 2,000 series in turn, first as a backlog, then at a steady rate."""

import threading
import time

import numpy as np
import orjson
from confluent_kafka import Producer

from headrace.publisher import Pace
from models.detectors.growable_arrays import Floats
from schemas.topics import TELEMETRY_READINGS

SERIES = 2_000
BEGIN_MS = 1_790_000_000_000
RATE = 500


class Readings:
    """A reading's number is its position's offset, in whatever partition of the topic it is."""

    def __init__(self, bootstrap: str, most: int, series: int = SERIES) -> None:
        self.series = series
        self.values: Floats = 20 + 2 * np.random.default_rng(7).standard_normal(most)
        self.sent_at: dict[int, float] = {}
        """Unix time of those that were sent at the steady rate."""
        self.count = 0
        # murmur2, as every Java client: a device's readings stay in one partition for the peers too.
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "partitioner": "murmur2_random",
            }
        )

    def device(self, number: int) -> str:
        """The one that sends the reading of that number."""
        return f"device-{number % self.series:04}"

    def send(self, count: int) -> None:
        """As fast as it goes."""
        for _ in range(count):
            self._produce()
        self._producer.flush()

    def send_steadily(self, stop: threading.Event) -> None:
        """`RATE` a second, until the event is set."""
        pace = Pace(RATE / 10)
        while not stop.is_set():
            for _ in range(10):
                self.sent_at[self.count] = time.time()
                self._produce()
            self._producer.poll(0)
            pace.wait()
        self._producer.flush()

    def _produce(self) -> None:
        number = self.count
        reading = {
            "schema_version": 1, "device": self.device(number), "metric": "temperature",
            "event_time": BEGIN_MS + number, "value": self.values[number].item(),
            "position": {"topic": "telemetry.raw", "partition": 0, "offset": number},
        }  # fmt: skip
        while True:
            try:
                self._producer.produce(TELEMETRY_READINGS.name, orjson.dumps(reading), self.device(number))
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self.count += 1
