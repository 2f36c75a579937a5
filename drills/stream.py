"""Numbered readings over MQTT, from a thread of its own, each remembered as it is sent."""

import json
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

from headrace.polling import wait_until
from headrace.publisher import Pace, Publisher

METRIC = "counter"
DEVICES = 8
MESSAGES_PER_S = 100.0
ACKNOWLEDGED_WITHIN_S = 120.0


class NumberedStream:
    """Readings 0, 1, 2, ... of every device in turn: `seq` and value are the number, `ts` is when it was sent.

    `times[device][n]` is the event time, in ms, of reading n: sent, and to be found in every store. No two of a device
    have the same event time.
    """

    def __init__(self, publisher: Publisher, devices: Sequence[str], messages_per_s: float = MESSAGES_PER_S) -> None:
        self.devices = tuple(devices)
        self.times: dict[str, list[int]] = {device: [] for device in devices}
        self.talking = list(devices)
        """Those that send now, which may be none; the others are silent."""
        self._publisher = publisher
        self._pace = Pace(messages_per_s)
        self._beside: deque[tuple[str, int]] = deque()
        self._copies = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    @property
    def sent(self) -> int:
        return sum(len(times) for times in self.times.values())

    @property
    def acknowledged(self) -> int:
        """Of those that were sent; copies do not count."""
        return self._publisher.acknowledged - self._copies

    def start(self) -> None:
        """Begins to send; `finish` ends it."""
        self._thread.start()

    def send(self, turns: int) -> None:
        """Sends that many readings now, in the caller's thread. Not beside `start`."""
        for turn in range(turns):
            self._send(self.devices[turn % len(self.devices)])

    def send_dated(self, device: str, times_ms: Sequence[int]) -> None:
        """Sends readings of one more device between those of the stream, with these event times, each newer."""
        self.times[device] = list(times_ms)
        self._beside.extend((device, number) for number in range(len(times_ms)))

    def send_again(self, copies: int) -> None:
        """Sends copies of the stream's first readings, between those that are new."""
        first = [(device, number) for number in range(copies) for device in self.devices]
        self._beside.extend(first[:copies])
        self._copies += copies

    def finish(self) -> None:
        """Ends the stream and waits for every acknowledgement. Raises NotWithin or NotAcknowledged."""
        self._stop.set()
        if self._thread.ident is not None:
            wait_until("the stream's last publish", lambda: not self._thread.is_alive(), ACKNOWLEDGED_WITHIN_S)
        self._publisher.close(ACKNOWLEDGED_WITHIN_S)

    def wait_until_acknowledged(self) -> None:
        """Returns when the broker has acknowledged everything that was sent.

        Raises
        ------
        NotWithin
        """
        wait_until("the acknowledgements", lambda: self.acknowledged == self.sent, ACKNOWLEDGED_WITHIN_S)

    def first_after(self, device: str, time_ms: int) -> int | None:
        """Event time of the first reading of the device that is newer than `time_ms`; None if there is none yet."""
        times = self.times[device]
        index = bisect_right(times, time_ms)
        return times[index] if index < len(times) else None

    def _run(self) -> None:
        turn = 0
        while not self._stop.is_set():
            while self._beside:
                self._publish(*self._beside.popleft())
            if talking := self.talking:
                self._send(talking[turn % len(talking)])
                turn += 1
            self._pace.wait()

    def _send(self, device: str) -> None:
        times = self.times[device]
        times.append(max(int(time.time() * 1000), times[-1] + 1 if times else 0))
        self._publish(device, len(times) - 1)

    def _publish(self, device: str, number: int) -> None:
        reading = {"metric": METRIC, "value": number, "ts": self.times[device][number], "seq": number}
        self._publisher.publish(device, json.dumps(reading).encode())
