"""The one place that makes Kafka clients, with the guarantees the design promises, and where their errors end.

A client's KafkaError becomes a KafkaClientError: inside of `translated`, and in every method of `consumer()` and
`admin()`. Methods and futures of a producer raise the client's own errors: use them inside of `translated`,
`in_transaction`, `confirmed` and `awaitable`.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource
from kafka.cluster import ClusterMetadata
from kafka.errors import (
    AuthorizationError,
    IllegalArgumentError,
    IllegalStateError,
    InvalidProducerEpochError,
    KafkaConfigurationError,
    KafkaError,
    OffsetOutOfRangeError,
    ProducerFencedError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
from kafka.partitioner import DefaultPartitioner, Partitioner, murmur2

from schemas.errors import HeadraceError, TerminalError, TransientError
from schemas.topics import MAX_MESSAGE_BYTES, TOPICS, Topic

log = logging.getLogger(__name__)

NEVER_MS = 2**31 - 1
"""24 days: Kafka's largest int. An unavailable broker is waited for; no record is given up."""

BATCH_BYTES = 512 * 1024
"""Of one partition's batch; under the 1 MiB that a topic takes, framing included."""

FRAMING_BYTES = 64 * 1024
"""What a record of the largest size has around it: batch header, key, headers."""

KEYS_REMEMBERED = 100_000


class KafkaClientError(HeadraceError):
    """Base of what this module raises; transient or terminal by class."""


class KafkaUnavailable(KafkaClientError, TransientError):
    """Raised where no broker answers. Transient: it may answer later."""

    next_step = "Start it:  headrace up"


class MissingTopics(KafkaClientError, TerminalError):
    """Raised where the broker does not have these topics. Terminal: they have to be created."""


class KafkaRefuses(KafkaClientError, TerminalError):
    """Raised where the broker answers, and refuses by credentials, rights or its version.

    Terminal: one of them has to be changed.
    """


class ProducerReplaced(KafkaClientError, TransientError):
    """Raised where another producer with this transactional id has started: this one sends nothing any more.

    Transient: a new producer can send.
    """


class RecordsRemoved(KafkaClientError, TransientError):
    """Raised where retention has removed the records that were to be read.

    Transient: a new reading begins behind them.
    """


_REFUSALS = (
    AuthorizationError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
"""Errors that waiting does not end; any other one is a reason to try again, which loses nothing."""


_BUGS = (KafkaConfigurationError, IllegalArgumentError, IllegalStateError)
"""Faults of ours, which keep their traceback."""


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

    Raises
    ------
    KafkaUnavailable
        When no broker answers within `wait_ms`.
    """
    with translated(bootstrap):
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

    Raises
    ------
    KafkaUnavailable
        When no broker answers within 10 s.
    """
    with translated(bootstrap):
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


def consumer(
    bootstrap: str,
    *,
    group: str | None = None,
    committed: bool = True,
    start: str = "none",
    timeout_ms: int = 10_000,
    max_records: int = 5000,
    fetch_bytes: int | None = None,
    partition_fetch_bytes: int | None = None,
) -> Any:
    """A consumer whose partitions are assigned by hand, and whose offsets are committed by hand if at all.

    Parameters
    ----------
    group
        Whose committed offsets it reads and writes; it is no member of the group.
    committed
        Whether it stops in front of open transactions and passes over aborted ones.
    start
        Where it goes on if retention has removed what it stands on: `earliest`, or `none`, which raises RecordsRemoved.
    timeout_ms
        Of one request.
    max_records, fetch_bytes, partition_fetch_bytes
        What one poll gives, and what the broker puts into one answer: they bound what is held of a topic at any time.

    Raises KafkaUnavailable when no broker answers within `timeout_ms`; each of its methods raises KafkaClientError.
    """
    settings = {"fetch_max_bytes": fetch_bytes, "max_partition_fetch_bytes": partition_fetch_bytes}
    with translated(bootstrap):
        made = KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            isolation_level="read_committed" if committed else "read_uncommitted",
            auto_offset_reset=start,
            enable_auto_commit=False,
            bootstrap_timeout_ms=timeout_ms,
            request_timeout_ms=timeout_ms,
            max_poll_records=max_records,
            # Kafka's 30 s are what a broker that is back would wait for a reader that follows it.
            reconnect_backoff_max_ms=1000,
            metrics_enabled=False,
            **{name: size for name, size in settings.items() if size is not None},
        )
    return _Translating(made, bootstrap)


def ready_producer(bootstrap: str, topics: Iterable[Topic], **settings: Any) -> KafkaProducer:
    """As `producer`, once it knows these topics, so that no later send waits for them.

    Raises KafkaUnavailable, at once where nobody listens, and MissingTopics.
    """
    require_reachable(bootstrap)
    made = producer(bootstrap, **settings)
    try:
        require_topics(made, topics)
    except BaseException:
        made.close(timeout=1)
        raise
    return made


def confirmed(sent: Iterable[Any], timeout_s: float) -> list[Any]:
    """What `send` has promised, once Kafka has confirmed all of it. On KafkaClientError some records may be stored."""
    with translated():
        return [each.get(timeout=timeout_s) for each in sent]


def awaitable(sent: Any, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
    """What `send` has promised, as a future of an event loop.

    Callbacks of the Kafka client run on a thread of its own.

    Raises
    ------
    KafkaClientError
    """
    waiting: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if waiting.done():  # the caller has timed out
            return
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(_ours(error, "Kafka") if isinstance(error, KafkaError) else error)

    def call(error: BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(settle, error)

    sent.add_callback(lambda _: call(None))
    sent.add_errback(call)
    return waiting


@contextlib.contextmanager
def in_transaction(producer: KafkaProducer) -> Iterator[None]:
    """Commits what is sent inside, or none of it.

    Raises
    ------
    KafkaClientError
    """
    with translated():
        producer.begin_transaction()
        try:
            yield
        except BaseException:
            with contextlib.suppress(KafkaError):  # the first error is the one to tell; the broker aborts by itself
                producer.abort_transaction()
            raise
        producer.commit_transaction()


def require_topics(client: KafkaProducer, topics: Iterable[Topic]) -> None:
    """Return when the client knows these topics, so that no later send waits for it.

    Raises
    ------
    MissingTopics
    """
    for topic in topics:
        try:
            client.partitions_for(topic.name)
        except KafkaError as error:
            raise MissingTopics(f"Kafka has no topic {topic.name}; `headrace up` makes all topics") from error


def require_reachable(bootstrap: str) -> None:
    """Asked before a client is made, which would try for long and log each attempt.

    Raises
    ------
    KafkaUnavailable
    """
    if not reachable(bootstrap):
        raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer")


def ready(bootstrap: str) -> bool:
    """Whether a broker answers a request for its topics; takes 3 s at most for each address."""
    if not reachable(bootstrap):
        return False
    try:
        with admin_client(bootstrap, wait_ms=3000) as admin:
            admin.list_topics()
    except KafkaClientError:
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

    Raises
    ------
    KafkaClientError
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
    """What its methods raise becomes a KafkaClientError where the block ends.

    Raises
    ------
    KafkaUnavailable
        When no broker answers within `wait_ms`.
    """
    with translated(bootstrap):
        made = _admin(bootstrap, wait_ms)
        try:
            yield made
        finally:
            made.close()


def admin(bootstrap: str, wait_ms: int) -> Any:
    """As `admin_client`, closed by the caller; each of its methods raises KafkaClientError."""
    with translated(bootstrap):
        return _Translating(_admin(bootstrap, wait_ms), bootstrap)


def _admin(bootstrap: str, wait_ms: int) -> KafkaAdminClient:
    return KafkaAdminClient(
        bootstrap_servers=bootstrap, bootstrap_timeout_ms=wait_ms, request_timeout_ms=max(wait_ms, 3000)
    )


@contextlib.contextmanager
def translated(bootstrap: str = "") -> Iterator[None]:
    """Inside of it an error of the client becomes one of ours."""
    try:
        yield
    except _BUGS:
        raise
    except KafkaError as error:
        raise _ours(error, f"Kafka at {bootstrap}" if bootstrap else "Kafka") from error


def _ours(error: KafkaError, kafka: str) -> KafkaClientError:
    words = str(error) or type(error).__name__
    if isinstance(error, OffsetOutOfRangeError):
        return RecordsRemoved(f"{kafka} no longer has the records that were to be read: {words}")
    if isinstance(error, (ProducerFencedError, InvalidProducerEpochError)):
        return ProducerReplaced(f"{kafka} has seen a newer producer with the same transactional id: {words}")
    if isinstance(error, _REFUSALS):
        return KafkaRefuses(f"{kafka} refuses: {words}. Check our credentials and rights there")
    return KafkaUnavailable(f"{kafka} does not answer: {words}")


class _Translating:
    """A client whose methods raise our errors."""

    def __init__(self, client: Any, bootstrap: str) -> None:
        self._client, self._bootstrap = client, bootstrap

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            with translated(self._bootstrap):
                return method(*arguments, **named)

        return call
