"""Sparkplug B payloads as samples (Eclipse Sparkplug specification 3.0).

The topic is spBv1.0/{group}/{type}/{node}[/{device}]. The edge node is the device `group/node`, its devices are
`group/node/device`. Beside the metrics each has the metric `$online`: 1 at a birth, 0 at a death. It stands for what
the specification calls STALE: after 0, no value is current.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from google.protobuf.message import DecodeError

from payload_codecs.codec import Command, Ignored, Item, Rejection, Sample, StateSnapshot
from payload_codecs.example import RECEIVED_AT_MS, Example
from payload_codecs.message import Message
from payload_codecs.selection import ItemSelection, nothing_kept, selects
from payload_codecs.sparkplug_b import session
from payload_codecs.sparkplug_b.compression import UnreadableBody, payload_of
from payload_codecs.sparkplug_b.data_types import BOOLEAN, DOUBLE, INT64
from payload_codecs.sparkplug_b.metrics import Keeps, alone, defined, flat, item, number, unknown
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import (
    CONTROL,
    MAX_DEFINITIONS,
    MAX_DEVICES,
    Definition,
    Definitions,
    EdgeNode,
)
from schemas.ignored_message import IgnoredReason
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from schemas.source import Source

NAMESPACE = "spBv1.0"
STATE = "STATE"
ONLINE = "$online"
REBIRTH = "Node Control/Rebirth"
REBIRTH_EVERY_MS = 10_000
"""An edge node that answers a rebirth slowly, or never, is not asked with each of its messages."""

PATIENT_REBIRTHS = 6
"""Requests at that pace. If they do not help, each further one waits twice as long as the one before it."""

MAX_REBIRTH_DOUBLINGS = 5

UNKNOWN = RejectReason.UNKNOWN_METRIC
_NO_DEFINITIONS = Definitions({}, {})


class SparkplugB:
    """Decodes the messages of edge nodes, and asks a node for a rebirth when they cannot be read without one.

    Parameters
    ----------
    source
        Its `include`, `exclude`, `rename` and `drop` go by the names that births give to metrics.
    """

    def __init__(self, source: Source) -> None:
        self._keeps = ItemSelection(source, self.original).keeps if selects(source) else None
        self._goes_by_names = bool(source.include or source.exclude or source.rename)

    def key(self, message: Message) -> str:
        """`group/node`."""
        levels = message.topic.split("/")
        return f"{levels[1]}/{levels[3]}" if len(levels) >= 4 else message.topic

    def new_state(self) -> EdgeNode:
        """Of an edge node of which no birth is known."""
        return EdgeNode()

    def snapshot(self, state: EdgeNode) -> StateSnapshot:
        """See session.py."""
        return session.snapshot(state)

    def restore(self, snapshot: StateSnapshot) -> EdgeNode:
        """See session.py."""
        return session.restore(snapshot)

    def decode(self, message: Message, state: EdgeNode) -> list[Item | Command]:
        """The metrics of a message, and `$online` of a birth or death."""
        levels = message.topic.split("/")
        if levels[0] == STATE or levels[:2] == [NAMESPACE, STATE]:
            return [_protocol("state of a host application")]
        if len(levels) not in (4, 5) or levels[0] != NAMESPACE or not all(levels[1:]):
            return [Rejection(RejectReason.NO_DEVICE, f"the topic is not {NAMESPACE}/group/type/node[/device]")]
        decoder = _DECODERS.get(levels[2])
        if decoder is None or (len(levels) == 5) is not levels[2].startswith("D"):
            return [_protocol(f"message type {levels[2]}")]
        payload = _payload(message.payload)
        if isinstance(payload, Rejection):
            return [payload]
        device = levels[4] if len(levels) == 5 else ""
        decoding = _Decoding(message, payload, levels[1], levels[3], device, state, self._keeps_name(message))
        # A retained message is the copy of an old one, and its `seq` tells nothing of the messages that follow.
        apart = message.is_replay or message.headers.get("mqtt_retained") == b"1"
        items = _apart(decoding) if apart else decoder(decoding)
        if len(items) == 1 and isinstance(sample := items[0], Sample):
            # The payload of the message would be its dead letter's, and nobody could say later what its alias meant.
            sample.original = self.original(message, sample)
        return self._kept(message, items)

    def _keeps_name(self, message: Message) -> Keeps:
        keeps = self._keeps
        return _keeps_all if keeps is None else lambda sample: keeps(message, sample)

    def _kept(self, message: Message, items: list[Item | Command]) -> list[Item | Command]:
        """What the source keeps."""
        if self._keeps is None:
            return items
        names, keeps = self._goes_by_names, self._keeps
        # No source drops a number for its kind: most values of a fleet need no closer look.
        kept = [
            each
            for each in items
            if (not names and type(each) is Sample and type(each.value) is float) or keeps(message, each)
        ]
        return kept if any(type(each) is not Command for each in kept) else [nothing_kept(), *kept]

    def original(self, message: Message, sample: Sample) -> bytes:
        """One metric with its name and type, and no sequence number: a replay needs neither birth nor order."""
        unit = None if sample.unit is None else str(sample.unit)
        return alone(str(sample.metric), sample.value, sample.time, unit)


def _payload(sent: bytes) -> Any:
    """The message, or why it is none."""
    if not sent:
        return Rejection(RejectReason.EMPTY_PAYLOAD)
    try:
        payload = payload_of(sent)
    except (DecodeError, UnreadableBody) as error:
        return Rejection(RejectReason.NOT_SPARKPLUG, str(error)[:200])
    if not payload.metrics and not payload.HasField("seq") and not payload.HasField("timestamp"):
        return Rejection(RejectReason.NOT_SPARKPLUG, "it has neither metrics nor `seq` nor `timestamp`")
    return payload


class _Decoding:
    """One message of an edge node, and what is known of the node."""

    __slots__ = ("device", "group", "keeps", "message", "name", "node", "payload", "state", "time_ms")

    def __init__(
        self, message: Message, payload: Any, group: str, node: str, device: str, state: EdgeNode, keeps: Keeps
    ) -> None:
        self.message = message
        self.payload = payload
        self.group = group
        self.node = node
        self.device = device
        self.state = state
        self.keeps = keeps
        self.name = _names(group, node, device)
        self.time_ms: int | None = payload.timestamp if payload.HasField("timestamp") else None
        """Of the payload: the event time of metrics without one."""

    @property
    def bd_seq(self) -> int | None:
        """The session that a birth begins, or that a death ends."""
        return next((number(each) for each in self.payload.metrics if each.name == "bdSeq"), None)

    def values(self, certain: bool) -> list[Item | Command]:
        """Of the metrics of a data message; an alias is resolved only where that is certain."""
        known = self.state.definitions.get(self.device, _NO_DEFINITIONS)
        items: list[Item | Command] = []
        is_excluded = False
        for metric, name in flat(self.payload.metrics, known.template if certain else _no_template):
            definition = _definition(metric, name, known, certain)
            if definition is None:
                meant = known.by_alias.get(metric.alias) if metric.HasField("alias") else None
                found = unknown(metric, name, certain, self.time_ms, self.name, self.keeps, meant)
            elif definition.data_type == CONTROL:
                continue
            else:
                found = item(metric, definition, self.time_ms, self.name, self.keeps)
            if found is None:
                is_excluded = True
            else:
                items.append(found)
            if len(items) > MAX_MESSAGE_ITEMS:
                break  # the message is refused as one; what follows would only cost
        return items or [nothing_kept() if is_excluded else _protocol("no metrics of a device")]

    def in_sequence(self) -> bool:
        """Whether no message of the session is missing before this one; it is remembered if so."""
        progress = self.state.progress
        seq = self.payload.seq if self.payload.HasField("seq") else None
        if seq is not None and seq == progress.seq:
            return progress.certain  # delivered again
        if seq is None or progress.seq is None or seq != (progress.seq + 1) % 256:
            progress.lose_certainty()
        progress.seq = seq
        return progress.certain

    def rebirth(self) -> list[Item | Command]:
        """A command that asks the node for its births, if the last one is long enough ago."""
        now_ms = max(0, self.message.received_at_ms or self.message.append_time_ms)
        progress = self.state.progress
        doublings = min(MAX_REBIRTH_DOUBLINGS, max(0, progress.rebirths_requested - PATIENT_REBIRTHS + 1))
        # A clock that was set back must not silence this for ever.
        if 0 <= now_ms - progress.rebirth_requested_ms < REBIRTH_EVERY_MS << doublings:
            return []
        progress.rebirth_requested_ms = now_ms
        progress.rebirths_requested += 1
        payload = Payload(timestamp=now_ms)
        payload.metrics.add(name=REBIRTH, timestamp=now_ms, datatype=BOOLEAN, boolean_value=True)
        topic = f"{NAMESPACE}/{self.group}/NCMD/{self.node}"
        return [Command(topic, payload.SerializeToString())]

    def online(self, value: int, device: str, time_ms: int | None) -> Sample:
        """The metric `$online` of the node or of one of its devices."""
        return Sample(ONLINE, value, time_ms, device=_names(self.group, self.node, device))


def _node_birth(decoding: _Decoding) -> list[Item | Command]:
    decoding.state.begin_session(decoding.payload.seq, decoding.bd_seq)
    return _birth(decoding)


def _device_birth(decoding: _Decoding) -> list[Item | Command]:
    certain = decoding.in_sequence()
    return _birth(decoding) + ([] if certain else decoding.rebirth())


def _birth(decoding: _Decoding) -> list[Item | Command]:
    """What a birth defines, and the values that its metrics have at this moment."""
    state, time_ms = decoding.state, decoding.time_ms
    if decoding.device not in state.definitions and len(state.definitions) > MAX_DEVICES:
        return [Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_DEVICES:,} devices of one edge node")]
    births = _Births(state.room(decoding.device))
    items: list[Item | Command] = []
    for metric, name in islice(flat(decoding.payload.metrics, _no_template, instances=True), MAX_DEFINITIONS + 1):
        definition = defined(metric, name)
        found: Item | None
        if definition is None:
            found = Rejection(UNKNOWN, "a metric of a birth without name or data type")
        elif not births.define(definition, metric.alias if metric.HasField("alias") else None):
            found = Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_DEFINITIONS:,} metrics of one edge node")
        elif definition.data_type == CONTROL or metric.HasField("template_value") or len(items) > MAX_MESSAGE_ITEMS:
            continue
        else:
            found = item(metric, definition, time_ms, decoding.name, decoding.keeps)
        if found is not None and len(items) <= MAX_MESSAGE_ITEMS:
            items.append(found)
    state.define(decoding.device, births.definitions())
    online: Item = decoding.online(1, decoding.device, time_ms)
    return [online, *_bounded(items)]


class _Births:
    """Definitions while a birth is read."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._by_name: dict[str, Definition] = {}
        self._by_alias: dict[int, Definition] = {}
        self._ambiguous: set[int] = set()

    def define(self, definition: Definition, alias: int | None) -> bool:
        """Whether there is room for it."""
        if definition.name not in self._by_name and len(self._by_name) >= self._room:
            return False
        self._by_name[definition.name] = definition
        if alias is not None and self._by_alias.setdefault(alias, definition).name != definition.name:
            self._ambiguous.add(alias)
        return True

    def definitions(self) -> Definitions:
        """Without aliases that two metrics have: nobody can know whose value they bring."""
        for alias in self._ambiguous:
            del self._by_alias[alias]
        return Definitions(self._by_name, self._by_alias)


def _data(decoding: _Decoding) -> list[Item | Command]:
    """Values of metrics that a birth has defined. Aliases are trusted while no message is missing."""
    certain = decoding.in_sequence()
    items = decoding.values(certain)
    is_readable = not any(isinstance(each, Rejection) and each.reason is UNKNOWN for each in items)
    items = _bounded(items)
    return items if certain and is_readable else [*items, *decoding.rebirth()]


def _node_death(decoding: _Decoding) -> list[Item | Command]:
    """The will of the session that `bdSeq` names. Its timestamp is that of the CONNECT: the entrance's clock counts."""
    current, died = decoding.state.progress.bd_seq, decoding.bd_seq
    if current is not None and died is not None and _is_earlier(died, current):
        return [_protocol(f"death of session {died}; the session is {current}")]
    return [decoding.online(0, device, None) for device in decoding.state.die()]


def _is_earlier(died: int, current: int) -> bool:
    """Whether a session is one before the current one; `bdSeq` wraps at 256.

    The death of a later one, whose birth is missing, ends the current one too.
    """
    return 0 < (current - died) % 256 < 128 if max(died, current) < 256 else died < current


def _device_death(decoding: _Decoding) -> list[Item | Command]:
    certain = decoding.in_sequence()
    decoding.state.forget(decoding.device)
    return [decoding.online(0, decoding.device, decoding.time_ms), *([] if certain else decoding.rebirth())]


_DECODERS: dict[str, Callable[[_Decoding], list[Item | Command]]] = {
    "NBIRTH": _node_birth,
    "DBIRTH": _device_birth,
    "NDATA": _data,
    "DDATA": _data,
    "NDEATH": _node_death,
    "DDEATH": _device_death,
}
"""By message type; commands are not for us."""


def _apart(decoding: _Decoding) -> list[Item | Command]:
    """A message out of its order: it can define nothing, and no alias can be trusted."""
    return _bounded(decoding.values(certain=False))


def _definition(metric: Any, name: str, known: Definitions, certain: bool) -> Definition | None:
    if name:
        # A name and a type, or a field whose type says how it is read, need no birth.
        return known.by_name.get(name) or defined(metric, name)
    return known.by_alias.get(metric.alias) if certain and metric.HasField("alias") else None


def _no_template(_alias: int) -> str:
    return ""


def _keeps_all(_sample: Sample) -> bool:
    return True


def _bounded(items: list[Any]) -> list[Any]:
    if len(items) > MAX_MESSAGE_ITEMS:
        return [Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_MESSAGE_ITEMS:,} metrics")]
    return items


def _names(group: str, node: str, device: str) -> str:
    return f"{group}/{node}/{device}" if device else f"{group}/{node}"


def _protocol(detail: str) -> Ignored:
    return Ignored(IgnoredReason.PROTOCOL, detail)


def _example_birth() -> bytes:
    payload = Payload(timestamp=RECEIVED_AT_MS - 40, seq=0)
    payload.metrics.add(name="bdSeq", datatype=INT64, long_value=3)
    payload.metrics.add(name=REBIRTH, datatype=BOOLEAN, boolean_value=False)
    temperature = payload.metrics.add(name="Oil/Temperature", alias=7, datatype=DOUBLE, double_value=61.5)
    temperature.properties.keys.append("engUnit")
    temperature.properties.values.add(string_value="Cel")
    payload.metrics.add(name="Running", alias=8, datatype=BOOLEAN, boolean_value=True)
    return bytes(payload.SerializeToString())


def _example_data() -> bytes:
    payload = Payload(timestamp=RECEIVED_AT_MS - 20, seq=1)
    payload.metrics.add(name="Speed", datatype=INT64, long_value=1480, timestamp=RECEIVED_AT_MS - 30)
    payload.metrics.add(alias=7, double_value=62.0)
    return bytes(payload.SerializeToString())


_TABLE = 'topic = "spBv1.0/{group}/{type}/{node}/#"\ndevice = "{group}/{node}"\ncodec = "sparkplug-b"'
_PRESS = "plant/press"

EXAMPLES = (
    Example(
        "A birth gives each metric its alias and unit, and its value. `$online` says that the edge node is there.",
        _TABLE,
        "spBv1.0/plant/NBIRTH/press",
        _example_birth(),
        (
            Sample(ONLINE, 1, RECEIVED_AT_MS - 40, device=_PRESS),
            Sample("Oil/Temperature", 61.5, RECEIVED_AT_MS - 40, "Cel", device=_PRESS),
            Sample("Running", True, RECEIVED_AT_MS - 40, device=_PRESS),
        ),
    ),
    Example(
        "Data by alias are refused while no birth of the session is known, and a rebirth is requested.",
        _TABLE,
        "spBv1.0/plant/NDATA/press",
        _example_data(),
        (
            Sample("Speed", 1480, RECEIVED_AT_MS - 30, device=_PRESS),
            Rejection(UNKNOWN, "alias 7: no birth of this session is known"),
        ),
    ),
    Example(
        "A command of a host application is passed over.",
        _TABLE,
        "spBv1.0/plant/NCMD/press",
        b"",
        (Ignored(IgnoredReason.PROTOCOL, "message type NCMD"),),
    ),
)
