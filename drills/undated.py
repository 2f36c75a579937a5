"""Numbered readings without `ts`: when they were measured is what an entrance and Kafka say."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from connectors.time_of_receipt import MAX_LEAD_MS
from drills.committed import TopicTail
from drills.stream import METRIC
from headrace.polling import wait_until
from headrace.publisher import Pace, Publisher
from schemas.dead_letter import DeadLetter
from schemas.reading import Reading
from schemas.topics import DEAD_LETTERS, TELEMETRY_READINGS

MESSAGES_PER_S = 100.0
ACKNOWLEDGED_WITHIN_S = 120.0


class UndatedStream:
    """Readings 0, 1, 2, ... of the devices in turn, from a thread of its own. The value is the number."""

    def __init__(self, publisher: Publisher, devices: Sequence[str], messages_per_s: float = MESSAGES_PER_S) -> None:
        self.devices = tuple(devices)
        self.sent = 0
        self._publisher = publisher
        self._pace = Pace(messages_per_s)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="undated", daemon=True)

    def start(self) -> None:
        """Begins to send; `finish` ends it."""
        self._thread.start()

    def finish(self) -> None:
        """Ends the stream and waits for every acknowledgement. Raises NotWithin or NotAcknowledged."""
        self._stop.set()
        wait_until("the stream's last publish", lambda: not self._thread.is_alive(), ACKNOWLEDGED_WITHIN_S)
        self._publisher.close(ACKNOWLEDGED_WITHIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            device = self.devices[self.sent % len(self.devices)]
            self._publisher.publish(device, json.dumps({"metric": METRIC, "value": self.sent}).encode())
            self.sent += 1
            self._pace.wait()


class UndatedOutputs:
    """What became of the readings of these devices, at read_committed."""

    def __init__(self, readings: TopicTail, dead_letters: TopicTail, devices: Sequence[str]) -> None:
        self._readings, self._dead_letters = readings, dead_letters
        self._keys = {device.encode() for device in devices}
        self.numbers: Counter[int] = Counter()
        self.dead_letters: Counter[str] = Counter()
        """Dead letters by reason."""
        self.newest_ms = 0
        """The latest event time that one of them got."""

    @classmethod
    def connect(cls, bootstrap: str, devices: Sequence[str]) -> "UndatedOutputs":
        """Of what comes from now on."""
        return cls(TopicTail(bootstrap, TELEMETRY_READINGS), TopicTail(bootstrap, DEAD_LETTERS), devices)

    def update(self) -> None:
        """Reads what is new."""
        for value in self._new(self._readings):
            reading = Reading.model_validate_json(value)
            self.numbers[int(reading.value)] += 1
            self.newest_ms = max(self.newest_ms, reading.event_time)
        for value in self._new(self._dead_letters):
            self.dead_letters[DeadLetter.model_validate_json(value).reason.value] += 1

    def close(self) -> None:
        """Ends the consumers."""
        self._readings.close()
        self._dead_letters.close()

    def count(self) -> int:
        """How many of the readings became something by now."""
        self.update()
        return len(self.numbers) + self.dead_letters.total()

    def problems(self, sent: int, now_ms: int) -> Iterator[str]:
        """One sentence for each thing that is not as it should be, of the readings 0 to `sent`."""
        if missing := sent - len(self.numbers):
            dead_letters = ", ".join(f"{n:,} {reason}" for reason, n in self.dead_letters.items()) or "no dead letters"
            yield f"{missing:,} of {sent:,} readings without ts are not in telemetry.readings ({dead_letters})"
        if doubled := self.numbers.total() - len(self.numbers):
            yield f"{doubled:,} readings without ts are in telemetry.readings more than once"
        if (ahead_ms := self.newest_ms - now_ms) > MAX_LEAD_MS:
            yield f"a reading without ts is {ahead_ms / 1000:,.0f} s ahead of the clock"

    def _new(self, tail: TopicTail) -> Iterator[bytes]:
        return (record.value for record in tail.new() if record.key in self._keys)


def now_ms() -> int:
    """The host's clock."""
    return int(time.time() * 1000)
