"""A producer on librdkafka, for a process that hands over one small record after another (docs/adr/0028).

It gives the guarantees of `clients.producer`, and each key the same partition. Nothing else of confluent-kafka is used.
"""

import logging
from collections.abc import Iterable
from typing import Any, Final, Protocol

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaException, Producer

from connectors.kafka.clients import (
    BATCH_BYTES,
    FRAMING_BYTES,
    KafkaUnavailable,
    MissingTopics,
    require_reachable,
)
from schemas.topics import MAX_MESSAGE_BYTES, Topic

log = logging.getLogger("kafka.librdkafka")

METADATA_WITHIN_S: Final = 10.0
MAX_RECONNECT_MS: Final = 1000
MAX_BUFFERED_KIB: Final = 2**31 - 1


class Clock(Protocol):
    """Is told when records were handed over, and when Kafka appended them: an EntranceClock."""

    def sent(self) -> Any: ...
    def appended(self, sent: Any, append_ms: int) -> None: ...


class Delivery:
    """What became of one record: done once it is stored, or refused."""

    __slots__ = ("exception", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self.exception: BaseException | None = None

    def delivered(self, error: Any, _: Any) -> None:
        """Called inside `poll`, on its thread."""
        if error is not None:
            self.exception = KafkaException(error)
        self.is_done = True


class _TimedDelivery(Delivery):
    """One that tells the clock when Kafka appended its record."""

    __slots__ = ("_clock", "_sent")

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock, self._sent = clock, clock.sent()

    def delivered(self, error: Any, message: Any) -> None:
        super().delivered(error, message)
        kind, append_ms = message.timestamp()
        if error is None and kind == TIMESTAMP_LOG_APPEND_TIME:
            self._clock.appended(self._sent, append_ms)


class FastProducer:
    """acks=all and idempotence, in order within a partition; nothing is given up while a broker is away.

    librdkafka's own bounds are off: the caller stops sending while too much is unconfirmed. Deliveries are marked in
    `poll` alone, so that they change on the thread that looks at them.

    Parameters
    ----------
    clock
        Is told the append time of one record between two polls.
    """

    def __init__(self, bootstrap: str, *, client_id: str, linger_ms: int, clock: Clock | None = None) -> None:
        self._bootstrap = bootstrap
        self._clock = clock
        self._is_timed = clock is not None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": 0,  # a record is never given up
                "linger.ms": linger_ms,
                "batch.size": BATCH_BYTES,
                "message.max.bytes": MAX_MESSAGE_BYTES + FRAMING_BYTES,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",  # as Kafka's own and kafka-python's
                "queue.buffering.max.messages": 0,  # no bound
                "queue.buffering.max.kbytes": MAX_BUFFERED_KIB,
                "reconnect.backoff.max.ms": MAX_RECONNECT_MS,
                "allow.auto.create.topics": False,
                "log.connection.close": False,
            },
            logger=log,
        )

    def send(self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]) -> Delivery:
        """Hand over one record. It is refused where the client cannot go on."""
        if self._is_timed and self._clock is not None:
            delivery: Delivery = _TimedDelivery(self._clock)
            self._is_timed = False
        else:
            delivery = Delivery()
        try:
            self._producer.produce(topic, value, key, headers=headers, on_delivery=delivery.delivered)
        except KafkaException as error:
            delivery.is_done, delivery.exception = True, error
        return delivery

    def poll(self) -> None:
        """Mark what was delivered since."""
        self._producer.poll(0)
        self._is_timed = self._clock is not None

    def require_topics(self, topics: Iterable[Topic]) -> None:
        """Return when the client knows these topics. Raises KafkaUnavailable and MissingTopics."""
        try:
            known = self._producer.list_topics(timeout=METADATA_WITHIN_S).topics
        except KafkaException as error:
            raise KafkaUnavailable(f"Kafka at {self._bootstrap} does not answer: {error}") from error
        for topic in topics:
            if topic.name not in known:
                raise MissingTopics(f"Kafka has no topic {topic.name}; `headrace up` makes all topics")


def ready_fast_producer(
    bootstrap: str, topics: Iterable[Topic], *, client_id: str, linger_ms: int, clock: Clock | None = None
) -> FastProducer:
    """A producer that knows these topics. Raises KafkaUnavailable, at once where nobody listens, and MissingTopics."""
    require_reachable(bootstrap)
    made = FastProducer(bootstrap, client_id=client_id, linger_ms=linger_ms, clock=clock)
    made.require_topics(topics)
    return made
