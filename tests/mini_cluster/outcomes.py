"""What became of each message: the items of all three outputs of clean_telemetry, by raw offset."""

from collections import defaultdict
from collections.abc import Sequence

from jobs.clean_telemetry import build
from jobs.settings import JobSettings
from schemas.dead_letter import DeadLetter
from schemas.reading import DuplicateReading, Reading
from schemas.topics import DEAD_LETTERS, TELEMETRY_DUPLICATES, TELEMETRY_READINGS
from tests.mini_cluster.file_tables import FileTables, Message

OUTPUTS = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, DEAD_LETTERS)

Item = Reading | DuplicateReading | DeadLetter

SENT: list[Message] = []
"""What the collected test modules want cleaned. Planning the job takes ten seconds, so it runs once for all."""


def sent(payload: bytes | str | None, device: str | None = None, **how: object) -> Message:
    """A message of the one run. Without `device` it has a device of its own, and no other message touches it."""
    payload = payload.encode() if isinstance(payload, str) else payload
    message = Message(payload, device=f"device {len(SENT)}" if device is None else device, **how)
    SENT.append(message)
    return message


class Outcomes:
    """The items of each message."""

    def __init__(self, topics: FileTables, messages: Sequence[Message]) -> None:
        topics.raw_source(messages)
        for topic in OUTPUTS:
            topics.bytes_sink(topic)
        topics.execute(build(topics.tables, JobSettings()), timeout_s=300)
        self.messages = messages
        self._offsets = {id(message): offset for offset, message in enumerate(messages)}
        self._items: dict[int, list[Item]] = defaultdict(list)
        for topic in OUTPUTS:
            for record in topics.records(topic):
                self._items[record.position.offset].append(record)

    def of(self, message: Message) -> list[Item]:
        """The items of a message in their order: a reading, a duplicate or a dead letter each."""
        return sorted(self._items[self._offsets[id(message)]], key=lambda item: item.position.item)

    def said_of(self, message: Message) -> list[str]:
        """In a word for each item: reading, duplicate, or the reason of a dead letter."""
        return [word(item) for item in self.of(message)]

    def reading(self, message: Message) -> Reading:
        """The reading that the message became, all of it."""
        (item,) = self.of(message)
        assert isinstance(item, Reading), item
        return item

    def dead_letter(self, message: Message) -> DeadLetter:
        """The dead letter that the message became, all of it."""
        (item,) = self.of(message)
        assert isinstance(item, DeadLetter), item
        return item


def word(item: Item) -> str:
    """reading, duplicate, or the reason of a dead letter."""
    if isinstance(item, DeadLetter):
        return str(item.reason)
    return "duplicate" if isinstance(item, DuplicateReading) else "reading"
