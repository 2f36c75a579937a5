"""Sends what goes back and writes down that it went, a batch in one Kafka transaction: both, or neither."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.endpoints import Endpoints
from connectors.influxdb.writer import InfluxDBWriter
from connectors.kafka import clients
from connectors.redis.device_state import RedisWriter
from connectors.stores import StoreError
from headrace.dead_letters.errors import ReplayFailed
from headrace.dead_letters.replay_target import ToStore, ToTopic
from headrace.dead_letters.store_rows import INFLUXDB, REDIS
from headrace.dead_letters.stored_dead_letter import DeadLetterId
from schemas.replay import Replay
from schemas.topics import DEAD_LETTER_REPLAYS, TELEMETRY_RAW

TRANSACTIONAL_ID = "headrace-dead-letters"
"""One for everybody: whoever begins to replay shuts out whoever was about to, so that no dead letter goes twice."""

CONFIRMED_WITHIN_S = 30


class StoreWriter(Protocol):
    """What writes rows: None or the store's words for each."""

    def write(self, rows: Sequence[Any]) -> list[str | None]: ...


@dataclass(frozen=True)
class PlannedReplay:
    """What goes back of one dead letter."""

    id: DeadLetterId
    target: ToTopic | ToStore
    replays: int
    edited: bool


class ReplayProducer:
    """One run of replays.

    Parameters
    ----------
    producer
        A transactional producer of connectors.kafka.clients, or one in memory.
    store
        Gives the writer of the store of that name.
    """

    def __init__(
        self,
        producer: Any,
        store: Callable[[str], StoreWriter],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
    ) -> None:
        self._producer = producer
        self._store = store
        self._clock_ms = clock_ms

    def send(self, replays: Sequence[PlannedReplay]) -> list[str | None]:
        """For each None when it was sent and logged, or the store's error. On ReplayFailed none of them was sent."""
        try:
            refusals = [self._to_store(each.target) if isinstance(each.target, ToStore) else None for each in replays]
            self._in_one_transaction([each for each, refusal in zip(replays, refusals, strict=True) if refusal is None])
        except StoreError as error:
            raise ReplayFailed(
                f"{error}. The dead letters of this batch are kept as they were: replay them again"
            ) from error
        except clients.ProducerReplaced as error:
            raise ReplayFailed(
                "another replay has started: nothing of this batch was sent. Run the command again when it has ended"
            ) from error
        except clients.KafkaClientError as error:
            raise ReplayFailed(
                f"Kafka did not take the batch: {error}. Run the same command again: it skips what was sent"
            ) from error
        return refusals

    def _to_store(self, target: ToStore) -> str | None:
        # Before it is written down: a row that is written twice is the same row.
        return self._store(target.store).write([target.row])[0]

    def _in_one_transaction(self, replays: Sequence[PlannedReplay]) -> None:
        if not replays:
            return
        with clients.in_transaction(self._producer):
            futures = [future for each in replays for future in self._send(each)]
            clients.confirmed(futures, CONFIRMED_WITHIN_S)

    def _send(self, replay: PlannedReplay) -> Iterator[Any]:
        if isinstance(replay.target, ToTopic):
            target = replay.target
            yield self._producer.send(target.topic, target.value, target.key, target.headers)
        row = Replay(
            dead_letter=str(replay.id),
            destination=replay.target.destination,
            replays=replay.replays,
            edited=replay.edited,
            replayed_at=self._clock_ms(),
        )
        yield self._producer.send(DEAD_LETTER_REPLAYS.name, row.model_dump_json().encode(), row.dead_letter.encode())


@contextlib.contextmanager
def replay_producer(endpoints: Endpoints) -> Iterator[ReplayProducer]:
    """A producer whose predecessors are shut out: what they have sent is written down, and they send nothing more.

    Read the log of replays inside of it, not before.

    Raises
    ------
    KafkaClientError
    """
    clients.require_reachable(endpoints.kafka)
    producer = clients.transactional_producer(
        endpoints.kafka, client_id="headrace-dlq", transactional_id=TRANSACTIONAL_ID
    )
    try:
        clients.require_topics(producer, (TELEMETRY_RAW, DEAD_LETTER_REPLAYS))
        with clients.translated(endpoints.kafka):
            producer.init_transactions()
        yield ReplayProducer(producer, _stores(endpoints))
    finally:
        producer.close(timeout=5)


def _stores(endpoints: Endpoints) -> Callable[[str], StoreWriter]:
    connect: Mapping[str, Callable[[Endpoints], Any]] = {INFLUXDB: InfluxDBWriter.connect, REDIS: RedisWriter.connect}
    connected: dict[str, StoreWriter] = {}

    def store(name: str) -> StoreWriter:
        if name not in connected:
            connected[name] = connect[name](endpoints)
        return connected[name]

    return store
