"""Test vectors: what a format's payloads become. docs/reference/payload_formats.md shows them; a test decodes each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from payload_codecs.codec import Ignored, Item, Rejection, Sample
from payload_codecs.message import Message
from schemas.source import Source
from schemas.sources import Sources

RECEIVED_AT_MS = 1_780_000_000_000


@dataclass(frozen=True)
class Example:
    """One payload of a source, and its items.

    Parameters
    ----------
    shows
        One sentence for a reader.
    table
        The source as it stands below `[[source]]` in sources.toml, without its name.
    items
        The samples with what the payload says of them, the rejections with their reason. `original` is left out.
    """

    shows: str
    table: str
    topic: str
    payload: bytes
    items: tuple[Item, ...]
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """The source of the table."""
        return Source.model_validate({"name": "example", **tomllib.loads(self.table)})

    @property
    def message(self) -> Message:
        """The message as an entrance would make it."""
        routed = Sources([self.source]).route(self.topic)
        if routed is None:
            raise ValueError(f"the example's source does not read {self.topic}")
        return Message(
            self.payload,
            routed.device,
            self.topic,
            routed.levels,
            RECEIVED_AT_MS,
            RECEIVED_AT_MS,
            self.headers,
        )


def plain_item(item: Item) -> Item:
    """What an item says, without what its codec keeps for itself: as it stands in an example."""
    if isinstance(item, Ignored):
        return item
    if isinstance(item, Rejection):
        return Rejection(item.reason, item.detail)
    return Sample(item.metric, item.value, item.time, item.unit, item.sequence, item.device)
