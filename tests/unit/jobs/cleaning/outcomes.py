"""What becomes of each message by the Decoder, and by duplicates told as the job's SQL tells them.

tests/mini_cluster/test_clean_telemetry.py runs the job itself on the same messages, and compares.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from flink.framing import Frame
from jobs.operators.telemetry_dead_letters import MessageFields, dead_letter
from jobs.operators.telemetry_decoder import Decoder
from payload_codecs.codec import Rejection
from payload_codecs.registry import stateless_codec_of
from payload_codecs.valid_reading import ItemPosition
from schemas.dead_letter import DeadLetter
from schemas.ignored_message import IgnoredMessage
from schemas.reading import DuplicateReading, Reading
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from schemas.sources import Sources
from tests.raw_messages import Message, gathered

Item = Reading | DuplicateReading | IgnoredMessage | DeadLetter


class Messages(list[Message]):
    """What the tests of one module want cleaned, all in one run.

    Parameters
    ----------
    name
        In the names of devices: what other modules send touches them not.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def sent(self, payload: bytes | str | None, device: str | None = None, **how: object) -> Message:
        """Without `device` the message has a device of its own, and no other message touches it."""
        payload = payload.encode() if isinstance(payload, str) else payload
        device = f"{self._name} {len(self)}" if device is None else device
        self.append(Message(payload, device=device, **how))
        return self[-1]


class Outcomes:
    """The items of each message."""

    def __init__(self, messages: Sequence[Message], items: Iterator[Item]) -> None:
        self.messages = messages
        self._offsets = {id(message): offset for offset, message in enumerate(messages)}
        self._items: dict[int, list[Item]] = defaultdict(list)
        for item in items:
            self._items[item.position.offset].append(item)

    def of(self, message: Message) -> list[Item]:
        """The items of a message in their order: a reading, a duplicate or a dead letter each."""
        return sorted(self._items[self._offsets[id(message)]], key=lambda item: item.position.item)

    def said_of(self, message: Message) -> list[str]:
        """In a word for each item: reading, duplicate, ignored, or the reason of a dead letter."""
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
    """reading, duplicate, ignored, or the reason of a dead letter."""
    if isinstance(item, DeadLetter):
        return str(item.reason)
    if isinstance(item, IgnoredMessage):
        return "ignored"
    return "duplicate" if isinstance(item, DuplicateReading) else "reading"


class Crossed(NamedTuple):
    """An item as it crosses from Python to SQL: a row of the view `items`."""

    key: bytes | None
    is_ignored: bool
    is_command: bool
    identity: bytes | None
    record: bytes
    original: bytes | None


def crossed(frames: Iterable[bytes]) -> Iterator[Crossed]:
    """The items of frames, in their order."""
    for frame in frames:
        items = Frame(frame, columns=9)
        columns = (items.fields(0), items.booleans(1), items.booleans(2), *map(items.fields, (3, 5, 6)))
        yield from map(Crossed._make, zip(*columns, strict=True))


def cleaned(messages: Sequence[Message], sources: Sequence[Source] = ()) -> Iterator[Item]:
    """The items of the messages, in their order."""
    came: dict[tuple[bytes | None, bytes], list[float]] = defaultdict(list)
    decoder = Decoder(Sources(sources), stateless_codec_of)
    for item in crossed(decoder.decode(gathered(messages), Counter())):
        if item.identity is None:
            yield (IgnoredMessage if item.is_ignored else DeadLetter).model_validate_json(item.record)
            continue
        reading = Reading.model_validate_json(item.record)
        values = came[item.key, item.identity]
        values.append(reading.value)
        if reading.value != values[0]:
            yield _conflict(reading, values[0], item.original or b"", messages[reading.position.offset])
        elif len(values) > 1:
            yield DuplicateReading(**reading.model_dump(), occurrence=len(values))
        else:
            yield reading


def _conflict(reading: Reading, first: float, original: bytes, message: Message) -> DeadLetter:
    rejection = Rejection(
        RejectReason.CONFLICTING_DUPLICATE, f"{reading.metric} was {first}, then {reading.value}", original
    )
    origin = MessageFields(reading.device, b"", message.headers or {}, message.append_ms)
    letter = dead_letter(rejection, origin, ItemPosition(**reading.position.model_dump()))
    return DeadLetter.model_validate_json(letter)
