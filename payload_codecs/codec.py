"""The interface of a payload format."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from payload_codecs.message import Message
from schemas.errors import TerminalError
from schemas.ignored_message import IgnoredReason
from schemas.reject_reasons import RejectReason


class Sample(msgspec.Struct, gc=False):
    """One value that a device sent, before anybody judged it: every field as it stood in the payload.

    Parameters
    ----------
    metric, value, unit, sequence
        As decoded: a text, a number, a bool, None, or whatever else stood there. validation.py refuses the rest.
    time
        The event time as it was sent, in the source's time format. None: the message's `received_at_ms`.
    device
        Where the payload names it. None: the message's.
    original
        The bytes of a message of its own that holds this item alone, which a dead letter keeps and `headrace dlq`
        replays. None: the codec's `original` makes them when they are needed.
    """

    metric: Any
    value: Any
    time: Any = None
    unit: Any = None
    sequence: Any = None
    device: str | None = None
    original: bytes | None = None


class Rejection(msgspec.Struct, gc=False):
    """An item that cannot be read, or that is no reading.

    Parameters
    ----------
    detail
        What exactly is wrong, for a person.
    original, device
        As of a Sample. None: the message's.
    """

    reason: RejectReason
    detail: str | None = None
    original: bytes | None = None
    device: str | None = None


class Ignored(msgspec.Struct, gc=False):
    """A message that holds no reading and is not meant to: the only item of its message."""

    reason: IgnoredReason
    detail: str | None = None


class Command(msgspec.Struct, gc=False):
    """What a format sends back to its device: Sparkplug's request for a rebirth. No item of the message."""

    topic: str
    payload: bytes


Item = Sample | Rejection | Ignored


class Codec(Protocol):
    """A format without memory: what a message holds depends on its bytes, topic and headers alone."""

    def decode(self, message: Message) -> Sequence[Item]:
        """The items in their order, at least one. Never raises: bytes that are no message are one Rejection.

        The cost is linear in the payload's length.
        """

    def original(self, message: Message, sample: Sample) -> bytes:
        """A payload that holds this sample alone and decodes to it again."""


class UnreadableCodecState(TerminalError, ValueError):
    """Raised for state that cannot be continued from: of another version, or damaged. Start without it.

    Terminal: the same bytes are refused again.
    """


class StateSnapshot(NamedTuple):
    """The state of one sender as bytes, each part with its version. No pickle."""

    definitions: bytes
    """The large part, which changes seldom: when the state's `revision` grew."""
    progress: bytes
    """The small part, which each message changes."""


class CodecState(Protocol):
    """What a stateful format remembers of one sender."""

    revision: int
    """Grows when the large part of the snapshot changes."""


State = TypeVar("State", bound=CodecState)


class StatefulCodec(Protocol[State]):
    """A format whose messages build on earlier ones of the same sender."""

    def key(self, message: Message) -> str:
        """Whose state a message needs. Messages of one key are decoded in their order."""

    def new_state(self) -> State:
        """Of a sender of whom nothing is known."""

    def decode(self, message: Message, state: State) -> Sequence[Item | Command]:
        """The items in their order, at least one, and commands; `state` is changed in place. Never raises.

        A replayed dead letter (header `replays`) changes no state.
        """

    def snapshot(self, state: State) -> StateSnapshot:
        """All of the state."""

    def restore(self, snapshot: StateSnapshot) -> State:
        """The state of a snapshot. Raises UnreadableCodecState."""

    def original(self, message: Message, sample: Sample) -> bytes:
        """A payload that holds this sample alone and decodes to it again, whatever the state."""
