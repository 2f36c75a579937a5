"""How many records topics have: where a benchmark sees what its job has written."""

from kafka import TopicPartition

from connectors.kafka.clients import consumer
from schemas.topics import Topic


class TopicEnds:
    """Calling it gives the records that were written so far, committed or not, markers of transactions among them."""

    def __init__(self, bootstrap: str, *topics: Topic) -> None:
        self._consumer = consumer(bootstrap, committed=False)
        self._partitions = [TopicPartition(topic.name, n) for topic in topics for n in range(topic.partitions)]

    def __call__(self) -> int:
        return sum(self._consumer.end_offsets(self._partitions).values())

    def of_partitions(self) -> dict[TopicPartition, int]:
        """The same of each partition."""
        return dict(self._consumer.end_offsets(self._partitions))
