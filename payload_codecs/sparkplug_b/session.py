"""What is known of an edge node: its births' definitions, and how far its messages are."""

import msgspec

from payload_codecs.codec import StateSnapshot, UnreadableCodecState

VERSION = 1

MAX_DEFINITIONS = 100_000
"""Metrics of one edge node and its devices: bounds the state that one sender can take."""


class Definition(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A metric of a birth."""

    name: str
    data_type: int
    unit: str | None = None


class Definitions(msgspec.Struct):
    """The metrics of the edge node ("") or of one of its devices."""

    by_name: dict[str, Definition] = {}
    by_alias: dict[int, Definition] = {}


class Progress(msgspec.Struct):
    """The small part of the state, which each message changes."""

    bd_seq: int | None = None
    """Of the NBIRTH: names the session, and the death certificate that ends it."""
    seq: int | None = None
    """Of the last message."""
    certain: bool = False
    """False before the first birth, after a gap in `seq`, and after a death: an alias may mean something else now."""
    rebirth_requested_ms: int = 0
    online: list[str] = []
    """Devices, "" for the edge node itself, that are born and not dead."""


class EdgeNode:
    """The state of one edge node. `revision` grows when the definitions change."""

    def __init__(self, definitions: dict[str, Definitions] | None = None, progress: Progress | None = None) -> None:
        self.definitions = definitions or {}
        self.progress = progress or Progress()
        self.revision = 0

    @property
    def size(self) -> int:
        """Metrics that are defined."""
        return sum(len(each.by_name) for each in self.definitions.values())

    def define(self, device: str, definitions: Definitions) -> None:
        """The metrics of a birth, in place of the device's earlier ones."""
        self.definitions[device] = definitions
        self.revision += 1
        self.set_online(device, True)

    def forget_session(self) -> None:
        """A new NBIRTH ends all that was before it."""
        self.definitions = {}
        self.progress = Progress(rebirth_requested_ms=self.progress.rebirth_requested_ms)
        self.revision += 1

    def set_online(self, device: str, online: bool) -> bool:
        """Whether this changed anything."""
        if (device in self.progress.online) is online:
            return False
        others = [each for each in self.progress.online if each != device]
        self.progress.online = [*others, device] if online else others
        return True


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
