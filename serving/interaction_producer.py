"""Interactions into Kafka: an interaction is taken when Kafka has confirmed it, and not before.

After a failure the client of Kafka is given up and made anew, in a thread: until Kafka is there again every
interaction is refused at once, and nobody waits for a timeout that is known to come.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kafka.errors import KafkaError

from connectors.kafka.clients import KafkaClientError
from schemas.errors import TransientError
from schemas.topics import INTERACTIONS
from serving.exposure_producer import RETRY_S, Producer

log = logging.getLogger(__name__)

Record = tuple[bytes, bytes]
"""Key and value."""

MAX_UNCONFIRMED = 5_000
"""At most 64 KiB each, and a few hundred bytes as a rule."""


class NotStored(TransientError):
    """Kafka has not confirmed it: it may be stored, or not."""


class InteractionProducer:
    """`store` belongs to the event loop. `connect` makes a producer that gives a record up within `timeout_s`."""

    def __init__(self, connect: Callable[[], Producer], timeout_s: float) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._producer: Producer | None = None
        self._given_up: list[Producer] = []
        self._stopped = False
        self._wanted = threading.Event()
        # Sending waits where the client has forgotten its topics; it may never hold the event loop.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="interactions")
        self._connecting = threading.Thread(target=self._keep_connected, name="interactions-connect", daemon=True)
        self.asked = False
        """Whether Kafka has been looked for: before that nobody knows whether it is there."""
        self.unconfirmed = self.stored = self.failed = 0

    def start(self) -> None:
        self._wanted.set()
        self._connecting.start()

    @property
    def open(self) -> bool:
        """Whether Kafka takes interactions, as far as is known."""
        return self._producer is not None

    async def store(self, records: Sequence[Record]) -> None:
        """Return when Kafka has confirmed all of them. Raises NotStored within `timeout_s`."""
        producer = self._producer
        if producer is None:
            self.failed += len(records)
            raise NotStored("Kafka does not answer")
        if self.unconfirmed + len(records) > MAX_UNCONFIRMED:
            self.failed += len(records)
            raise NotStored(f"{self.unconfirmed} interactions wait for Kafka already")
        self.unconfirmed += len(records)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._confirmed(producer, records)
        except (KafkaError, TimeoutError) as error:
            self.failed += len(records)
            self._give_up(producer)
            raise NotStored(f"Kafka has not confirmed it within {self._timeout_s:g} s") from error
        finally:
            self.unconfirmed -= len(records)
        self.stored += len(records)

    def stop(self) -> None:
        """What is not confirmed by now is an error for whoever waits for it."""
        self._stopped = True
        self._wanted.set()
        self._sender.shutdown(wait=False, cancel_futures=True)
        for producer in (self._producer, *self._given_up):
            if producer is not None:
                _close(producer)

    async def _confirmed(self, producer: Producer, records: Sequence[Record]) -> None:
        loop = asyncio.get_running_loop()
        sent = await loop.run_in_executor(self._sender, _send, producer, records)
        await asyncio.gather(*(_awaitable(future, loop) for future in sent))

    def _give_up(self, producer: Producer) -> None:
        if self._producer is producer:
            log.warning("Kafka has not confirmed interactions: refusing them until it is there again.")
            self._producer = None
            self._given_up.append(producer)
            self._wanted.set()

    def _keep_connected(self) -> None:
        while self._wanted.wait() and not self._stopped:
            while self._given_up:
                _close(self._given_up.pop())
            try:
                producer = self._connect()
            except (KafkaClientError, KafkaError) as error:
                log.warning("Interactions are refused: %s. Trying again.", error)
                self.asked = True
                threading.Event().wait(RETRY_S)
                continue
            # In this order: a failure that comes in between sets it again.
            self._wanted.clear()
            self._producer = producer
            self.asked = True
            log.info("Interactions are taken.")


def _close(producer: Producer) -> None:
    """Without waiting for what is not confirmed: whoever asked for it has his answer."""
    with contextlib.suppress(KafkaError):
        producer.close(timeout=0)


def _send(producer: Producer, records: Sequence[Record]) -> list[Any]:
    return [producer.send(INTERACTIONS.name, key=key, value=value) for key, value in records]


def _awaitable(sent: Any, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
    """Of a future of the Kafka client, whose callbacks come on its own thread."""
    waiting: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if waiting.done():  # nobody waits any more
            return
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(error)

    def call(error: BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
            loop.call_soon_threadsafe(settle, error)

    sent.add_callback(lambda _: call(None))
    sent.add_errback(call)
    return waiting
