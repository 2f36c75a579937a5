"""What became of each message: the items of all three outputs of clean_telemetry, by raw offset."""

from collections import defaultdict
from collections.abc import Sequence

from jobs.clean_telemetry import build
from schemas.dead_letter import DeadLetter
from schemas.reading import DuplicateReading, Reading
from schemas.topics import DEAD_LETTERS, TELEMETRY_DUPLICATES, TELEMETRY_READINGS
from tests.mini_cluster.file_tables import FileTables, Message

OUTPUTS = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, DEAD_LETTERS)

Item = Reading | DuplicateReading | DeadLetter


class Outcomes:
    """Cleans all messages in one execution: planning the job takes ten seconds, a message some microseconds."""

    def __init__(self, topics: FileTables, messages: Sequence[Message]) -> None:
        self.messages = messages
        topics.raw_source(messages)
        for topic in OUTPUTS:
            topics.sink(topic)
        topics.execute(build(topics.tables))
        self._items: dict[int, list[Item]] = defaultdict(list)
        for topic in OUTPUTS:
            for record in topics.records(topic):
                self._items[record.position.offset].append(record)

    def of(self, message: Message) -> list[Item]:
        """The items of a message in their order: a reading, a duplicate or a dead letter each."""
        (offset,) = (offset for offset, sent in enumerate(self.messages) if sent is message)
        return sorted(self._items[offset], key=lambda item: item.position.item)

    def said_of(self, message: Message) -> list[str]:
        """In a word for each item: reading, duplicate, or the reason of a dead letter."""
        return [_word(item) for item in self.of(message)]


def _word(item: Item) -> str:
    if isinstance(item, DeadLetter):
        return str(item.reason)
    return "duplicate" if isinstance(item, DuplicateReading) else "reading"
