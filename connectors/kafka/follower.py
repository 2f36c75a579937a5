"""A topic from its beginning, or from a time, then what is new in it once a second: for a copy of its newest values."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.kafka.clients import KafkaClientError, MissingTopics
from connectors.kafka.log import KafkaLog
from connectors.kafka.reading import Partition
from schemas.topics import Topic

LOOKS_EVERY_S = 1.0
STOPS_WITHIN_S = 5.0

log = logging.getLogger(__name__)

Take = Callable[[list[Any]], None]
"""Is given committed records, those of a partition in their order. What it raises ends the following."""


@contextmanager
def followed(bootstrap: str, topic: Topic, take: Take) -> Iterator["FollowedTopic"]:
    """Inside the block `take` has had all that was committed when it began, and gets what comes, in another thread.

    A Kafka that becomes unavailable later is logged and asked again; nobody waits for it.

    Raises
    ------
    KafkaUnavailable
    MissingTopics
        At the beginning.
    """
    # The client tells of each attempt, ten times a second; PyFlink would send each line over gRPC.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    following = FollowedTopic(KafkaLog.connect(bootstrap), topic, take)
    following.start()
    try:
        yield following
    finally:
        following.stop()


class FollowedTopic:
    """Gives the records of a topic to `take`; closes `kafka` when it ends. `since_ms`: only what was appended since."""

    def __init__(
        self, kafka: KafkaLog, topic: Topic, take: Take, looks_every_s: float = LOOKS_EVERY_S,
        since_ms: int | None = None,
    ) -> None:  # fmt: skip
        self._kafka, self._topic, self._take, self._looks_every_s = kafka, topic, take, looks_every_s
        self._since_ms = since_ms
        self._positions: dict[Partition, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"follows {topic.name}", daemon=True)
        self._failure: Exception | None = None

    def start(self) -> None:
        """Reads up to the end as it is now, then lets the thread read on."""
        try:
            if not self._kafka.partitions([self._topic.name]):
                raise MissingTopics(f"Kafka has no topic {self._topic.name}; `headrace up` makes all topics")
            self.refresh()
        except BaseException:
            self._kafka.__exit__()
            raise
        self._thread.start()

    def stop(self) -> None:
        """A thread that waits for Kafka is not waited for: it ends with the process."""
        self._stop.set()
        self._thread.join(STOPS_WITHIN_S)

    def raise_if_ended(self) -> None:
        """Raise again what ended the thread, if it has ended: what `take` has raised."""
        if self._failure is not None:
            raise self._failure

    def refresh(self) -> None:
        """Reads on, up to the end as it is now. Raises KafkaClientError, and what `take` raises."""
        partitions = self._kafka.partitions([self._topic.name])
        ends = self._kafka.committed_ends(partitions)
        # Not read yet, or of a topic that was made anew and is shorter.
        begun_anew = [each for each in partitions if self._positions.get(each, ends[each] + 1) > ends[each]]
        if begun_anew:
            self._positions |= self._begins(begun_anew, ends)
        for batch in self._kafka.read({each: self._positions[each] for each in partitions}, ends):
            self._take(batch.records)
            self._positions[batch.topic, batch.partition] = batch.end

    def _begins(self, partitions: list[Partition], ends: dict[Partition, int]) -> dict[Partition, int]:
        if self._since_ms is None:
            return self._kafka.first_offsets(partitions)
        found = self._kafka.offsets_at(partitions, self._since_ms)
        return {each: ends[each] if at is None else min(at, ends[each]) for each, at in found.items()}

    def _run(self) -> None:
        with self._kafka:
            while not self._stop.wait(self._looks_every_s):
                try:
                    self.refresh()
                except KafkaClientError as error:
                    log.warning(
                        "%s is not followed at the moment, what was read stays: %s",
                        self._topic.name, error, extra={"topic": self._topic.name},
                    )  # fmt: skip
                except Exception as error:
                    self._failure = error
                    return
