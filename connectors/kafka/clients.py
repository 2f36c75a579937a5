"""The one place that makes Kafka clients, with the guarantees the design promises.

KafkaClientError
├── Unreachable      transient: no broker answered in its time; try again
├── MissingTopics    the broker answers, and lacks a topic; the message says what makes them
└── NotAborted       the broker will not list or end a transaction (connectors/kafka/transactions.py)
"""

import contextlib
import logging
import socket
from collections.abc import Collection, Iterable, Iterator

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource
from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, TopicAlreadyExistsError
from kafka.partitioner import DefaultPartitioner, Partitioner, murmur2

from schemas.errors import HeadraceError, TerminalError, TransientError
from schemas.topics import MAX_MESSAGE_BYTES, TOPICS, Topic

log = logging.getLogger(__name__)

NEVER_MS = 2**31 - 1
"""24 days: Kafka's largest int. A broker that is away is waited for; a record is not given up."""

BATCH_BYTES = 512 * 1024
"""Of one partition's batch; under the 1 MiB that a topic takes, framing included."""

FRAMING_BYTES = 64 * 1024
"""What a record of the largest size has around it: batch header, key, headers."""

KEYS_REMEMBERED = 100_000


class KafkaClientError(HeadraceError):
    """Of this module."""


class KafkaUnavailable(KafkaClientError, TransientError):
    """No broker answered. Trying again later may help."""

    next_step = "Start it:  headrace up"


class MissingTopics(KafkaClientError, TerminalError):
    """The broker does not have these topics."""


class KeyPartitioner(Partitioner):
    """Kafka's own choice, murmur2 of the key, with the hashes of the last keys kept.

    The hash in pure Python costs more than the rest of a send; devices are few and their messages many.
    """

    def __init__(self) -> None:
        self._hashes: dict[bytes, int] = {}
        self._keyless = DefaultPartitioner()

    def partition(
        self,
        topic: str,
        key: bytes | None,
        serialized_key: bytes | None,
        value: bytes | None,
        serialized_value: bytes | None,
        cluster: ClusterMetadata,
    ) -> int:
        if serialized_key is None:
            return int(self._keyless.partition(topic, key, serialized_key, value, serialized_value, cluster))
        hash_ = self._hashes.get(serialized_key)
        if hash_ is None:
            hash_ = self._remember(serialized_key)
        return int(hash_ % len(cluster.partitions_for_topic(topic)))

    def _remember(self, key: bytes) -> int:
        if len(self._hashes) >= KEYS_REMEMBERED:
            self._hashes.clear()
        hash_: int = murmur2(key) & 0x7FFFFFFF
        self._hashes[key] = hash_
        return hash_


def producer(
    bootstrap: str,
    *,
    client_id: str,
    linger_ms: int = 5,
    compression: str | None = "lz4",
    wait_ms: int = 10_000,
    give_up_after_ms: int | None = None,
) -> KafkaProducer:
    """A producer whose records are stored once and in order, or not confirmed at all.

    acks=all and idempotence: what a future confirms is on every in-sync replica, once, in the order of `send`
    within a partition. Nothing is given up: records wait for an unreachable broker. Their number is bounded by
    the caller (kafka-python has no `buffer.memory`), who stops sending while too much is unconfirmed. With
    `give_up_after_ms`, for a caller whom somebody waits for, a record fails that is not confirmed by then; it may be
    stored all the same, if what was lost is the broker's answer.

    Raises Unreachable when no broker answers within `wait_ms`.
    """
    with _translated(bootstrap):
        return KafkaProducer(
            bootstrap_servers=bootstrap,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            **_patience(give_up_after_ms, linger_ms),
            linger_ms=linger_ms,
            batch_size=BATCH_BYTES,
            max_request_size=MAX_MESSAGE_BYTES + FRAMING_BYTES,
            compression_type=compression,
            partitioner=KeyPartitioner(),
            max_block_ms=wait_ms,
            bootstrap_timeout_ms=wait_ms,
            reconnect_backoff_max_ms=1000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )


def _patience(give_up_after_ms: int | None, linger_ms: int) -> dict[str, int]:
    if give_up_after_ms is None:
        return {"delivery_timeout_ms": NEVER_MS}
    # The client wants room for one request and the linger within a delivery.
    return {"delivery_timeout_ms": give_up_after_ms, "request_timeout_ms": give_up_after_ms - linger_ms}


def transactional_producer(
    bootstrap: str, *, client_id: str, transactional_id: str, timeout_ms: int = 30_000
) -> KafkaProducer:
    """A producer whose records become visible together, or not at all; for a person who waits in front of it.

    Unlike `producer` it gives up: a record that is not confirmed within `timeout_ms` fails. `init_transactions` ends
    whatever an earlier producer of the same `transactional_id` has left open, and shuts that producer out. A process
    that is killed in a transaction keeps read_committed readers waiting behind it for `timeout_ms`.

    Raises Unreachable when no broker answers within 10 s.
    """
    with _translated(bootstrap):
        return KafkaProducer(
            bootstrap_servers=bootstrap,
            client_id=client_id,
            transactional_id=transactional_id,
            transaction_timeout_ms=timeout_ms,
            delivery_timeout_ms=timeout_ms,
            request_timeout_ms=10_000,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_MESSAGE_BYTES + FRAMING_BYTES,
            compression_type="lz4",
            max_block_ms=10_000,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )


def require_topics(client: KafkaProducer, topics: Iterable[Topic]) -> None:
    """Return when the client knows these topics, so that no later send waits for it. Raises MissingTopics."""
    for topic in topics:
        try:
            client.partitions_for(topic.name)
        except KafkaError as error:
            raise MissingTopics(f"Kafka has no topic {topic.name}; `headrace up` makes all topics") from error


def ready(bootstrap: str) -> bool:
    """Whether a broker answers a request for its topics; takes 3 s at most for each address."""
    if not reachable(bootstrap):
        return False
    try:
        with admin_client(bootstrap, wait_ms=3000) as admin:
            admin.list_topics()
    except (KafkaClientError, KafkaError):
        return False
    return True


def reachable(bootstrap: str, timeout_s: float = 1.0) -> bool:
    """Whether one of the addresses takes a connection. Cheap: for a readiness probe of a running client."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout_s):
            return True
    return False


def create_topics(bootstrap: str, topics: Collection[Topic] = TOPICS, *, replication_factor: int = 1) -> list[str]:
    """Create the topics that are missing and align the configuration of those that are there.

    Returns what was done and what differs still, one sentence each, also logged. The number of partitions is never
    changed: keys would move to other partitions, and a device's readings overtake one another.

    Raises Unreachable, or KafkaError where the broker refuses.
    """
    with admin_client(bootstrap) as admin:
        present = set(admin.list_topics())
        notes = [_create(admin, topic, replication_factor) for topic in topics if topic.name not in present]
        kept = [topic for topic in topics if topic.name in present]
        notes += [*_align(admin, kept), *_other_partitions(admin, kept)]
    for note in notes:
        log.info("%s", note)
    return notes


def _create(admin: KafkaAdminClient, topic: Topic, replication_factor: int) -> str:
    wanted = {
        "num_partitions": topic.partitions,
        "replication_factor": replication_factor,
        "configs": topic.configs(),
    }
    try:
        admin.create_topics({topic.name: wanted}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return f"{topic.name} was created by somebody else just now"
    return f"{topic.name} created with {topic.partitions} partitions"


def _align(admin: KafkaAdminClient, topics: Collection[Topic]) -> Iterator[str]:
    for topic in topics:
        resource = ConfigResource("topic", topic.name)
        present = admin.describe_configs([resource], config_filter="all")["topic"][topic.name]
        stale = {key: value for key, value in topic.configs().items() if present[key]["value"] != value}
        if not stale:
            continue
        answer = admin.alter_configs([ConfigResource("topic", topic.name, stale)])["topic"][topic.name]
        changes = ", ".join(f"{key} {present[key]['value']} -> {value}" for key, value in stale.items())
        yield f"{topic.name}: {changes}" if answer == "OK" else f"{topic.name} keeps its settings ({changes}): {answer}"


def _other_partitions(admin: KafkaAdminClient, topics: Collection[Topic]) -> Iterator[str]:
    if not topics:
        return
    partitions = {each["name"]: len(each["partitions"]) for each in admin.describe_topics([t.name for t in topics])}
    for topic in topics:
        if partitions[topic.name] != topic.partitions:
            yield (
                f"{topic.name} has {partitions[topic.name]} partitions instead of {topic.partitions}: "
                "left alone, since changing them moves keys"
            )


@contextlib.contextmanager
def admin_client(bootstrap: str, wait_ms: int = 30_000) -> Iterator[KafkaAdminClient]:
    """Raises Unreachable when no broker answers within `wait_ms`."""
    with _translated(bootstrap):
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=wait_ms, request_timeout_ms=max(wait_ms, 3000)
        )
        try:
            yield admin
        finally:
            admin.close()


@contextlib.contextmanager
def _translated(bootstrap: str) -> Iterator[None]:
    try:
        yield
    except (KafkaConnectionError, KafkaTimeoutError) as error:
        raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer: {error}") from error
