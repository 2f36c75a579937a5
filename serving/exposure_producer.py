"""Exposures on their way to Kafka, beside the answers and never in front of them.

A thread takes them from a bounded queue. While Kafka is away they wait, and beyond the bound new ones are dropped and
counted: an answer is worth more than its record. Killed, an instance loses what waits, a fraction of a second's worth.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from kafka.errors import KafkaError

from connectors.kafka.clients import KafkaClientError
from schemas.topics import EXPOSURES

log = logging.getLogger(__name__)

PAUSE_S = 0.02
"""Between two looks at the queue: a request wakes nobody up."""
RETRY_S = 2.0


class Producer(Protocol):
    """What is used of KafkaProducer."""

    def send(self, topic: str, *, key: bytes, value: bytes) -> Any: ...

    def close(self, timeout: float | None = None) -> None: ...


class ExposureProducer:
    """`offer` belongs to the server's thread, the rest to its own. `connect` makes a producer that gives nothing up."""

    def __init__(self, connect: Callable[[], Producer], most_waiting: int) -> None:
        self._connect = connect
        self._most_waiting = most_waiting
        self._queue: deque[tuple[bytes, bytes]] = deque()
        self._unconfirmed: deque[Any] = deque()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exposures", daemon=True)
        self.dropped = self.stored = self.refused = 0

    def start(self) -> None:
        self._thread.start()

    def offer(self, user: bytes, exposure: bytes) -> bool:
        """Whether there was room for it."""
        if self.waiting >= self._most_waiting:
            self.dropped += 1
            return False
        self._queue.append((user, exposure))
        return True

    @property
    def waiting(self) -> int:
        """Offered and not yet stored."""
        return len(self._queue) + len(self._unconfirmed)

    def stop(self, within_s: float) -> int:
        """Wait for what is on its way, and say how many were not stored."""
        until = time.monotonic() + within_s
        while self.waiting and time.monotonic() < until:
            time.sleep(PAUSE_S)
        self._stopped.set()
        self._thread.join(max(PAUSE_S, until - time.monotonic()))
        return self.waiting

    def _run(self) -> None:
        producer = self._connected()
        while producer is not None and not self._stopped.wait(PAUSE_S):
            self._send_all(producer)
            self._count_confirmed()

    def _connected(self) -> Producer | None:
        """None when stopped first."""
        while not self._stopped.is_set():
            try:
                return self._connect()
            except (KafkaClientError, KafkaError) as error:
                log.warning("Exposures wait: %s. Trying again.", error)
            self._stopped.wait(RETRY_S)
        return None

    def _send_all(self, producer: Producer) -> None:
        for _ in range(len(self._queue)):
            # Looked at and taken only once it counts among the unconfirmed: `waiting` never shows too few.
            user, exposure = self._queue[0]
            try:
                self._unconfirmed.append(producer.send(EXPOSURES.name, key=user, value=exposure))
            except KafkaError as error:
                log.warning("Exposures wait: %s. Trying again.", error)
                return
            self._queue.popleft()

    def _count_confirmed(self) -> None:
        """In the order of sending: one that is not confirmed yet hides those behind it until the next look."""
        while self._unconfirmed and self._unconfirmed[0].is_done:
            if self._unconfirmed.popleft().succeeded():
                self.stored += 1
            else:
                self.refused += 1
