"""Acknowledged producer of interactions and of verdicts on alerts: one is accepted once Kafka has confirmed it.

After a failure a thread replaces the Kafka client. Until it is connected, every interaction is refused at once: no
request waits for a timeout that is certain to come.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.kafka.clients import KafkaClientError, awaitable, translated
from connectors.retries import until_stopped
from schemas.errors import TransientError
from schemas.topics import INTERACTIONS, Topic
from serving.exposure_producer import RETRY_S, Producer

log = logging.getLogger(__name__)

Record = tuple[bytes, bytes]
"""Key and value."""

MAX_UNCONFIRMED = 5_000
"""At most 64 KiB each, and a few hundred bytes as a rule."""


class Unconfirmed(TransientError):
    """Raised where Kafka has not confirmed the interactions: they may be stored or not. Transient: send them again."""


class InteractionProducer:
    """`store` belongs to the event loop. `connect` makes a producer that fails a record within `timeout_s`."""

    def __init__(
        self,
        connect: Callable[[], Producer],
        timeout_s: float,
        max_unconfirmed: int = MAX_UNCONFIRMED,
        retry_s: float = RETRY_S,
    ) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._max_unconfirmed = max_unconfirmed
        self._retry_s = retry_s
        self._producer: Producer | None = None
        self._abandoned: list[Producer] = []
        self._stopped = threading.Event()
        self._reconnect = threading.Event()
        # Sending blocks while the client fetches metadata, which must not block the event loop.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="interactions")
        self._connecting = threading.Thread(target=self._keep_connected, name="interactions-connect", daemon=True)
        self.connection_attempted = False
        """Before the first attempt nobody knows whether Kafka is available."""
        self.unconfirmed = self.stored = self.failed = 0

    def start(self) -> None:
        self._reconnect.set()
        self._connecting.start()

    @property
    def available(self) -> bool:
        """Whether Kafka accepts interactions, as far as is known."""
        return self._producer is not None

    async def store(self, records: Sequence[Record], topic: Topic = INTERACTIONS) -> None:
        """Returns once Kafka has confirmed all of them.

        Raises
        ------
        Unconfirmed
            Within `timeout_s`.
        """
        producer = self._producer
        if producer is None:
            self.failed += len(records)
            raise Unconfirmed("Kafka is unavailable")
        if self.unconfirmed + len(records) > self._max_unconfirmed:
            self.failed += len(records)
            raise Unconfirmed(f"{self.unconfirmed} interactions wait for Kafka already")
        self.unconfirmed += len(records)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._confirmed(producer, topic, records)
        except (KafkaClientError, TimeoutError) as error:
            self.failed += len(records)
            self._abandon(producer)
            raise Unconfirmed(f"Kafka did not confirm within {self._timeout_s:g} s") from error
        finally:
            self.unconfirmed -= len(records)
        self.stored += len(records)

    def stop(self) -> None:
        """Requests that still wait for a confirmation fail."""
        self._stopped.set()
        self._reconnect.set()
        self._sender.shutdown(wait=False, cancel_futures=True)
        for producer in (self._producer, *self._abandoned):
            if producer is not None:
                _close(producer)

    async def _confirmed(self, producer: Producer, topic: Topic, records: Sequence[Record]) -> None:
        loop = asyncio.get_running_loop()
        sent = await loop.run_in_executor(self._sender, _send, producer, topic, records)
        await asyncio.gather(*(awaitable(future, loop) for future in sent))

    def _abandon(self, producer: Producer) -> None:
        if self._producer is producer:
            log.warning(
                "Kafka did not confirm interactions in time: refusing interactions until it is available.",
                extra={"topic": INTERACTIONS.name},
            )
            self._producer = None
            self._abandoned.append(producer)
            self._reconnect.set()

    def _keep_connected(self) -> None:
        while self._reconnect.wait() and not self._stopped.is_set():
            while self._abandoned:
                _close(self._abandoned.pop())
            # A person may create a missing topic or grant a right while the instance serves lists.
            producer = until_stopped(
                self._connect, self._stopped, self._retry_s, self._log_unavailable, retry_on=KafkaClientError
            )
            if producer is None:
                return
            # In this order: a failure in between sets it again.
            self._reconnect.clear()
            self._producer = producer
            self.connection_attempted = True
            log.info("Kafka is available, accepting interactions.", extra={"topic": INTERACTIONS.name})

    def _log_unavailable(self, error: BaseException) -> None:
        log.warning(
            "Kafka is unavailable, refusing interactions, retrying: %s", error, extra={"topic": INTERACTIONS.name}
        )
        self.connection_attempted = True


def _close(producer: Producer) -> None:
    """Without waiting for confirmations: the requests have been answered."""
    with contextlib.suppress(KafkaClientError), translated():
        producer.close(timeout=0)


def _send(producer: Producer, topic: Topic, records: Sequence[Record]) -> list[Any]:
    with translated():
        return [producer.send(topic.name, key=key, value=value) for key, value in records]
