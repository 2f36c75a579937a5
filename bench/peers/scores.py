"""Scores that a system wrote, as a consumer gets them."""

import threading
import time
from collections.abc import Iterator
from types import TracebackType

import orjson
from confluent_kafka import OFFSET_END, Consumer, KafkaError, TopicPartition

from bench.peers.comparison import Score
from schemas.topics import Topic

POLL_S = 0.01


def written(bootstrap: str, topic: Topic, starts: dict[int, int]) -> Iterator[tuple[int, Score]]:
    """Number and score of every committed record from these offsets to the ends."""
    consumer = _consumer(bootstrap, "read_committed")
    consumer.assign([TopicPartition(topic.name, partition, start) for partition, start in starts.items()])
    left = set(starts)
    while left:
        for message in consumer.consume(10_000, 1.0):
            error = message.error()
            if error is None:
                if (parsed := _parsed(message.value())) is not None:
                    yield parsed
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            else:
                raise RuntimeError(str(error))
    consumer.close()


class ScoreWatch:
    """Notes inside the block when it gets which reading's first score.

    Parameters
    ----------
    isolation
        `read_committed` or `read_uncommitted`.
    """

    def __init__(self, bootstrap: str, topic: Topic, isolation: str) -> None:
        self.seen_at: dict[int, float] = {}
        """Number of the reading -> Unix time."""
        self._consumer = _consumer(bootstrap, isolation)
        self._consumer.assign([TopicPartition(topic.name, n, OFFSET_END) for n in range(topic.partitions)])
        self._stop = threading.Event()
        self._at_ends = threading.Event()
        self._partitions = topic.partitions
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ScoreWatch":
        self._thread.start()
        if not self._at_ends.wait(60):
            raise RuntimeError("the topic of the scores was not read to its end within a minute") from self._failure
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()
        if kind is None and self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as failure:
            self._failure = failure

    def _watch(self) -> None:
        ends: set[int] = set()
        while not self._stop.is_set():
            for message in self._consumer.consume(1000, POLL_S):
                if message.error() is None:
                    if (parsed := _parsed(message.value())) is not None:
                        self.seen_at.setdefault(parsed[0], time.time())
                    continue
                ends.add(message.partition())
                if len(ends) == self._partitions:
                    self._at_ends.set()


def _consumer(bootstrap: str, isolation: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": "bench-peers", "enable.auto.commit": False,
            "isolation.level": isolation, "enable.partition.eof": True, "fetch.wait.max.ms": 20,
        }
    )  # fmt: skip


def _parsed(value: bytes) -> tuple[int, Score] | None:
    """Number and score; None for an alert of Headrace's that no reading comes, which has no position."""
    record = orjson.loads(value)
    position = record.get("position")
    return None if position is None else (position["offset"], record.get("score"))  # what is null is left out
