"""A fleet made of recorded data that ship with River: a water main and twelve space shuttles.

WaterFlow: litres a second through a pipe, donated by Tecnojest s.r.l. Shuttle: nine sensors of a NASA
shuttle (UCI Statlog). The times are new, the values are not, except where a sensor has a fault (planted_faults.py).
Some messages are bad on purpose. A Zigbee2MQTT sensor and a Sparkplug edge node send beside them (dialects.py).
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from river import datasets

from examples.telemetry.dialects import Dialects
from examples.telemetry.planted_faults import PlantedFault, plant, reported

WATER = "water-main"
SHUTTLES = tuple(f"shuttle-{number:02}" for number in range(1, 13))
ARRAYS_FROM = SHUTTLES[-1]
"""This one sends arrays of readings, the others maps of values, the water main single readings."""
FAULTY = "faulty-gateway"

TICKS = 1268
"""Rows of WaterFlow: the water main speaks once a tick, every shuttle every second tick."""

LATE_BY_MS = 10 * 60 * 1000
FIRST_LATE_TICK = 500
"""By then the watermark of every partition has come a long way."""


@dataclass(frozen=True)
class Message:
    """A payload for a device, or for any other MQTT topic."""

    device: str
    payload: bytes
    topic: str | None = None


FAULTS: dict[str, Callable[[], Message]] = {
    "not_json": lambda: Message(FAULTY, b'{"metric":"temperature","value":2'),
    "invalid_utf8": lambda: Message(FAULTY, b'{"metric":"temp\xff","value":21.4}'),
    "bad_value": lambda: Message(FAULTY, b'{"metric":"temperature","value":"warm"}'),
    "ts_out_of_range": lambda: Message(FAULTY, b'{"metric":"temperature","value":21.4,"ts":1719800000}'),
    "unknown_unit": lambda: Message(FAULTY, b'{"metric":"temperature","value":21.4,"unit":"degrees"}'),
    "nested_values": lambda: Message(FAULTY, b'{"values":{"position":{"x":1,"y":2}}}'),
    "no_device": lambda: Message("", b'{"metric":"temperature","value":21.4}', topic="fleet//telemetry"),
    "payload_too_large": lambda: Message(FAULTY, json.dumps({"metric": "blob", "value": "x" * 300_000}).encode()),
}


class RecordedFleet:
    """Iterates over the messages of the demo, a list for each tick; counts what it mixed in.

    `expected` has the dead letters by reason, `duplicates` and `late` how many of each were sent, `planted` the
    faults of sensors, with `planted_ms` when each began. `now_ms` may give no ms twice.
    """

    def __init__(self, ticks: int = TICKS, seed: int = 0, now_ms: Callable[[], int] | None = None) -> None:
        self.ticks = ticks
        self.planted = plant(SHUTTLES, ticks, seed)
        self.planted_ms: dict[PlantedFault, int] = {}
        self.expected: Counter[str] = Counter()
        self.duplicates = 0
        self.late = 0
        self._water = (flow for _, flow in datasets.WaterFlow())
        self._shuttle = (sensors for sensors, _ in datasets.Shuttle())
        self._now_ms = now_ms or StrictlyIncreasingClock().now_ms
        self.dialects = Dialects(self._now_ms)

    def __iter__(self) -> Iterator[list[Message]]:
        faults = list(FAULTS)
        yield [Message("", payload, topic) for topic, payload in self.dialects.birth()]
        for tick, flow in enumerate(islice(self._water, self.ticks)):
            water = self._water_reading(flow)
            messages = [water, *self._shuttles(tick)]
            messages += [Message("", payload, topic) for topic, payload in self.dialects.at(tick, flow)]
            if tick % 25 == 10:
                messages.append(water)
                self.duplicates += 1
            if tick % 30 == 20:
                reason = faults[tick // 30 % len(faults)]
                messages.append(FAULTS[reason]())
                self.expected[reason] += 1
            if tick >= FIRST_LATE_TICK and tick % 25 == 0:
                messages.append(self._water_reading(flow, LATE_BY_MS))
                self.late += 1
            yield messages

    def _water_reading(self, flow: float, ago_ms: int = 0) -> Message:
        reading = {"metric": "flow", "value": flow, "unit": "L/s", "ts": self._now_ms() - ago_ms}
        return Message(WATER, json.dumps(reading).encode())

    def _shuttles(self, tick: int) -> Iterator[Message]:
        for device in SHUTTLES[tick % 2 :: 2]:
            sensors, ts = reported(self.planted, device, tick, next(self._shuttle)), self._now_ms()
            for planted in self.planted:
                if planted.has(device, tick):
                    self.planted_ms.setdefault(planted, ts)
            if device == ARRAYS_FROM:
                body: object = [{"metric": name, "value": value, "ts": ts} for name, value in sensors.items()]
            else:
                body = {"ts": ts, "values": sensors}
            yield Message(device, json.dumps(body).encode())


class StrictlyIncreasingClock:
    """Milliseconds since the epoch; never the same twice, so that no two readings share an identity."""

    def __init__(self) -> None:
        self._last_ms = 0

    def now_ms(self) -> int:
        """The time, or one more than the last answer."""
        self._last_ms = max(int(time.time() * 1000), self._last_ms + 1)
        return self._last_ms
