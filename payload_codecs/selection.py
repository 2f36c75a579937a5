"""Which samples a source keeps, and how it names their metrics."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from payload_codecs.codec import Codec, Command, Ignored, Item, Sample
from payload_codecs.message import Message
from schemas.glob import glob_of, renamed
from schemas.ignored_message import IgnoredReason
from schemas.limits import MAX_NAME_LENGTH
from schemas.source import Dropped, Source

MAX_REMEMBERED = 20_000
"""Names that are not matched again. At most 200 characters each: some MB."""

MAX_NUMBER_LENGTH = 100
"""Characters of a text that may be a number with its unit."""

_NUMBER_IN_TEXT = re.compile(r"\s*[-+]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?[^0-9]*")


class Selection:
    """`include`, `exclude`, `rename` and `drop` of a source.

    Examples
    --------
    >>> source = Source(name="a", topic="a/{device}", codec="json", values="@", exclude=["*.id"], rename={"t": "temp"})
    >>> selection = Selection(source)
    >>> selection.name("t"), selection.name("humidity"), selection.name("switch:0.id")
    ('temp', 'humidity', None)
    """

    def __init__(self, source: Source) -> None:
        self._include = tuple(map(glob_of, source.include))
        self._exclude = tuple(map(glob_of, source.exclude))
        self._rename = tuple(source.rename.items())
        self._words = frozenset(word.casefold() for word in source.words)
        self._drop = frozenset(source.drop)
        self.name = lru_cache(MAX_REMEMBERED)(self._name)
        """The name of a metric as sent; None where the source does not keep it."""

    def drops(self, value: Any) -> bool:
        """Whether the source drops a value for its kind."""
        return bool(self._drop) and self._kind(value) in self._drop

    def _name(self, sent: str) -> str | None:
        if len(sent) > MAX_NAME_LENGTH:
            return sent  # is no name, which validation says
        if self._include and not any(pattern.matches(sent) for pattern in self._include):
            return None
        if any(pattern.matches(sent) for pattern in self._exclude):
            return None
        return next((new for glob, name in self._rename if (new := renamed(sent, glob, name)) is not None), sent)

    def _kind(self, value: Any) -> Dropped | None:
        """None of a value that may be a number."""
        if type(value) is dict or type(value) is list:
            return Dropped.NESTED
        if value is None:
            return Dropped.NULL
        if type(value) is bool:
            return None if str(value).casefold() in self._words else Dropped.BOOLEAN
        if type(value) is bytes:
            return Dropped.TEXT
        if type(value) is not str or value.strip().casefold() in self._words:
            return None
        number = len(value) <= MAX_NUMBER_LENGTH and _NUMBER_IN_TEXT.fullmatch(value)
        return None if number else Dropped.TEXT


def nothing_kept() -> Ignored:
    """The only item of a message of which a source keeps nothing."""
    return Ignored(IgnoredReason.EXCLUDED, "include, exclude and drop leave nothing of it")


def selects(source: Source) -> bool:
    """Whether a source keeps or names anything otherwise than it was sent."""
    return bool(source.include or source.exclude or source.rename or source.drop)


class ItemSelection:
    """Which items of a codec a source keeps.

    Parameters
    ----------
    original
        Of the codec: the bytes of a sample, made before its metric is renamed.
    """

    def __init__(self, source: Source, original: Callable[[Message, Sample], bytes]) -> None:
        self._selection = Selection(source)
        self._original = original

    def keeps(self, message: Message, item: Item | Command) -> bool:
        """Whether the source keeps an item. The metric of a sample is renamed."""
        if not isinstance(item, Sample):
            return True
        if self._selection.drops(item.value):
            return False
        if not isinstance(item.metric, str) or not item.metric:
            return True
        name = self._selection.name(item.metric)
        if name is not None and name != item.metric:
            item.original = self._original(message, item) if item.original is None else item.original
            item.metric = name
        return name is not None


class SelectedSamples:
    """A codec with the selection of its source, for formats that do not select by themselves."""

    def __init__(self, codec: Codec, source: Source) -> None:
        self._codec = codec
        self._keeps = ItemSelection(source, codec.original).keeps

    def decode(self, message: Message) -> Sequence[Item]:
        """The items of the codec that the source keeps."""
        return [item for item in self._codec.decode(message) if self._keeps(message, item)] or [nothing_kept()]

    def original(self, message: Message, sample: Sample) -> bytes:
        """As the codec makes it, with the name that was sent."""
        return self._codec.original(message, sample) if sample.original is None else sample.original
