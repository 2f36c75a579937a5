"""What is known of an edge node: its births' definitions, and how far its messages are."""

import msgspec

from payload_codecs.codec import StateSnapshot, UnreadableCodecState
from payload_codecs.sparkplug_b.data_types import TEMPLATE

VERSION = 1

MAX_DEFINITIONS = 100_000
"""Metrics of one edge node and its devices: bounds the state that one sender can take."""

MAX_DEVICES = 10_000
"""Of one edge node, also for those whose births define nothing."""

CONTROL = 0
"""Stands for the data type of a metric that belongs to the protocol, such as Node Control/Rebirth: no reading."""


class Definition(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A metric of a birth."""

    name: str
    data_type: int
    unit: str | None = None


class Definitions(msgspec.Struct):
    """The metrics of the edge node ("") or of one of its devices."""

    by_name: dict[str, Definition] = {}
    by_alias: dict[int, Definition] = {}

    def template(self, alias: int) -> str:
        """The name of the template that has this alias, or ""."""
        definition = self.by_alias.get(alias)
        return definition.name if definition is not None and definition.data_type == TEMPLATE else ""


class Progress(msgspec.Struct):
    """The small part of the state, which each message changes."""

    bd_seq: int | None = None
    """Of the NBIRTH: names the session, and the death certificate that ends it."""
    seq: int | None = None
    """Of the last message."""
    certain: bool = False
    """False before the first birth, after a gap in `seq`, and after a death: an alias may mean something else now."""
    rebirth_requested_ms: int = 0
    rebirths_requested: int = 0
    """Since something happened that a rebirth can mend."""
    dead: bool = False
    """After the node's death its devices are offline too."""

    def lose_certainty(self) -> None:
        """From now on no alias is resolved, until the next NBIRTH."""
        if self.certain:
            self.certain = False
            self.rebirths_requested = 0


class EdgeNode:
    """The state of one edge node. `revision` grows when the definitions change."""

    def __init__(self, definitions: dict[str, Definitions] | None = None, progress: Progress | None = None) -> None:
        self.definitions = definitions or {}
        self.progress = progress or Progress()
        self.revision = 0
        self.size = sum(len(each.by_name) for each in self.definitions.values())
        """Metrics that are defined."""

    def room(self, device: str) -> int:
        """Metrics that a birth of this device may define. Its earlier ones make room: the birth replaces them."""
        known = self.definitions.get(device)
        if known is None:
            return MAX_DEFINITIONS - self.size if len(self.definitions) <= MAX_DEVICES else 0
        return MAX_DEFINITIONS - self.size + len(known.by_name)

    def define(self, device: str, definitions: Definitions) -> None:
        """The metrics of a birth, in place of the device's earlier ones."""
        self.forget(device)
        self.definitions[device] = definitions
        self.size += len(definitions.by_name)
        self.progress.dead = False
        self.revision += 1

    def forget(self, device: str) -> None:
        """A device that has died: only a birth of its own defines its metrics again."""
        known = self.definitions.pop(device, None)
        if known is not None:
            self.size -= len(known.by_name)
            self.revision += 1

    def begin_session(self, seq: int, bd_seq: int | None) -> None:
        """A new NBIRTH ends all that was before it."""
        before = self.progress
        self.definitions = {}
        self.size = 0
        self.progress = Progress(
            bd_seq, seq, certain=True, rebirth_requested_ms=before.rebirth_requested_ms,
            rebirths_requested=before.rebirths_requested if bd_seq == before.bd_seq else 0,
        )  # fmt: skip
        self.revision += 1

    def die(self) -> list[str]:
        """The node's death. Gives those that were online until then, "" for the node itself first."""
        online = [] if self.progress.dead else [device for device in self.definitions if device]
        self.progress.dead = True
        self.progress.lose_certainty()
        return ["", *online]


_encode = msgspec.msgpack.Encoder().encode
_Definitions = msgspec.msgpack.Decoder(tuple[int, dict[str, Definitions]])
_Progress = msgspec.msgpack.Decoder(tuple[int, Progress])


def snapshot(node: EdgeNode) -> StateSnapshot:
    """Both parts, each with its version."""
    return StateSnapshot(_encode((VERSION, node.definitions)), _encode((VERSION, node.progress)))


def restore(stored: StateSnapshot) -> EdgeNode:
    """The node of a snapshot.

    Raises
    ------
    UnreadableCodecState
        For another version, and for bytes that are none.
    """
    try:
        version, definitions = _Definitions.decode(stored.definitions)
        progress_version, progress = _Progress.decode(stored.progress)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableCodecState(f"a Sparkplug session that cannot be read: {error}") from error
    if {version, progress_version} != {VERSION}:
        raise UnreadableCodecState(f"a Sparkplug session of version {version}; this release reads {VERSION}")
    return EdgeNode(definitions, progress)
