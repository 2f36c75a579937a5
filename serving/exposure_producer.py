"""Fire-and-forget producer of exposures: no answer ever waits for Kafka.

A thread sends them from a bounded queue. During an outage of Kafka they wait; beyond the bound new ones are dropped and
counted, because an answer is worth more than its record. A killed instance loses its queue: as a rule, less than a
second's worth.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from connectors.kafka.clients import KafkaClientError, translated
from connectors.retries import until_stopped
from schemas.topics import EXPOSURES

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.02
"""Of the queue: a request does not wake the thread."""
RETRY_S = 2.0


class Producer(Protocol):
    """What is used of KafkaProducer."""

    def send(self, topic: str, *, key: bytes, value: bytes) -> Any: ...

    def close(self, timeout: float | None = None) -> None: ...


class ExposureProducer:
    """`offer` belongs to the server's thread. `connect` makes a producer that retries without end."""

    def __init__(self, connect: Callable[[], Producer], max_waiting: int, retry_s: float = RETRY_S) -> None:
        self._connect = connect
        self._max_waiting = max_waiting
        self._retry_s = retry_s
        self._queue: deque[tuple[bytes, bytes]] = deque()
        self._unconfirmed: deque[Any] = deque()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exposures", daemon=True)
        self.dropped = self.stored = self.refused = 0

    def start(self) -> None:
        self._thread.start()

    def offer(self, user: bytes, exposure: bytes) -> bool:
        """Whether the queue had room for it."""
        if self.waiting >= self._max_waiting:
            self.dropped += 1
            return False
        self._queue.append((user, exposure))
        return True

    @property
    def waiting(self) -> int:
        """Offered and not yet stored."""
        return len(self._queue) + len(self._unconfirmed)

    def stop(self, timeout_s: float) -> int:
        """Wait for the remaining ones. Returns how many were not stored."""
        until = time.monotonic() + timeout_s
        while self.waiting and time.monotonic() < until:
            time.sleep(POLL_INTERVAL_S)
        self._stopped.set()
        self._thread.join(max(POLL_INTERVAL_S, until - time.monotonic()))
        return self.waiting

    def _run(self) -> None:
        producer = self._connected()
        while producer is not None and not self._stopped.wait(POLL_INTERVAL_S):
            self._send_all(producer)
            self._count_confirmed()

    def _connected(self) -> Producer | None:
        """None if stopped first. Also a terminal error is tried again: a person may create a missing topic."""
        return until_stopped(
            self._connect, self._stopped, self._retry_s, self._log_unavailable, retry_on=KafkaClientError
        )

    def _send_all(self, producer: Producer) -> None:
        try:
            with translated():
                for _ in range(len(self._queue)):
                    # Removed only once it counts among the unconfirmed: `waiting` is never too low.
                    user, exposure = self._queue[0]
                    self._unconfirmed.append(producer.send(EXPOSURES.name, key=user, value=exposure))
                    self._queue.popleft()
        except KafkaClientError as error:
            self._log_unavailable(error)

    def _log_unavailable(self, error: BaseException) -> None:
        log.warning(
            "Kafka is unavailable, %d exposures wait, retrying: %s",
            self.waiting,
            error,
            extra={"topic": EXPOSURES.name},
        )

    def _count_confirmed(self) -> None:
        """In the order of sending: an unconfirmed one hides those behind it until the next poll."""
        while self._unconfirmed and self._unconfirmed[0].is_done:
            if self._unconfirmed.popleft().succeeded():
                self.stored += 1
            else:
                self.refused += 1
