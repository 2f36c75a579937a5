"""Sparkplug B payloads as samples (Eclipse Sparkplug specification 3.0).

The topic is spBv1.0/{group}/{type}/{node}[/{device}]. The edge node is the device `group/node`, its devices are
`group/node/device`. Beside the metrics each has the metric `$online`: 1 at a birth, 0 at a death. It stands for what
the specification calls STALE: after 0, no value is current.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from payload_codecs.codec import Command, Ignored, Item, Rejection, Sample, StateSnapshot
from payload_codecs.example import RECEIVED_AT_MS, Example
from payload_codecs.message import Message
from payload_codecs.selection import ItemSelection, nothing_kept, selects
from payload_codecs.sparkplug_b import session
from payload_codecs.sparkplug_b.data_types import BOOLEAN, BYTES, DOUBLE, INT64, TEXT, UINT64, is_known, value_of
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import MAX_DEFINITIONS, Definition, Definitions, EdgeNode
from schemas.ignored_message import IgnoredReason
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from schemas.source import Source

NAMESPACE = "spBv1.0"
ONLINE = "$online"
REBIRTH = "Node Control/Rebirth"
REBIRTH_EVERY_MS = 10_000
"""An edge node that answers a rebirth slowly, or never, is not asked with each of its messages."""

MAX_TEMPLATE_DEPTH = 8
UNKNOWN = RejectReason.UNKNOWN_METRIC
_CONTROLS = ("Node Control/", "Device Control/")
_NESTED = ("dataset_value", "template_value")
_GOOD = range(192, 256)
"""OPC's good qualities; Sparkplug names 192 (section 6.4.13)."""


class SparkplugB:
    """Decodes the messages of edge nodes, and asks a node for a rebirth when they cannot be read without one.

    Parameters
    ----------
    source
        Its `include`, `exclude`, `rename` and `drop` go by the names that births give to metrics.
    """

    def __init__(self, source: Source) -> None:
        self._keeps = ItemSelection(source, self.original).keeps if selects(source) else None

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
        if len(levels) not in (4, 5) or levels[0] != NAMESPACE or not all(levels[1:]):
            if levels[:2] == [NAMESPACE, "STATE"]:
                return [_protocol("state of a host application")]
            return [Rejection(RejectReason.NO_DEVICE, f"the topic is not {NAMESPACE}/group/type/node[/device]")]
        decoder = _DECODERS.get(levels[2])
        if decoder is None or (len(levels) == 5) is not levels[2].startswith("D"):
            return [_protocol(f"message type {levels[2]}")]
        try:
            payload = Payload.FromString(message.payload)
        except DecodeError as error:
            return [Rejection(RejectReason.NOT_SPARKPLUG, str(error)[:200])]
        device = levels[4] if len(levels) == 5 else ""
        decoding = _Decoding(message, payload, levels[1], levels[3], device, state)
        return self._kept(message, _replayed(decoding) if "replays" in message.headers else decoder(decoding))

    def _kept(self, message: Message, items: list[Item | Command]) -> list[Item | Command]:
        """What the source keeps."""
        if self._keeps is None:
            return items
        kept = [item for item in items if self._keeps(message, item)]
        return kept if any(type(item) is not Command for item in kept) else [nothing_kept(), *kept]

    def original(self, message: Message, sample: Sample) -> bytes:
        """One metric with its name and type, and no sequence number: a replay needs neither birth nor order."""
        payload = Payload()
        metric = payload.metrics.add(name=str(sample.metric))
        if sample.time is not None:
            metric.timestamp = sample.time
        if sample.unit is not None:
            metric.properties.keys.append("engUnit")
            metric.properties.values.add(string_value=str(sample.unit))
        _set_value(metric, sample.value)
        return bytes(payload.SerializeToString())


class _Decoding:
    """One message of an edge node, and what is known of the node."""

    __slots__ = ("device", "group", "message", "name", "node", "payload", "state", "time_ms")

    def __init__(self, message: Message, payload: Any, group: str, node: str, device: str, state: EdgeNode) -> None:
        self.message = message
        self.payload = payload
        self.group = group
        self.node = node
        self.device = device
        self.state = state
        self.name = _names(group, node, device)
        self.time_ms: int | None = payload.timestamp if payload.HasField("timestamp") else None
        """Of the payload: the event time of metrics without one."""

    @property
    def bd_seq(self) -> int | None:
        """The session that a birth begins, or that a death ends."""
        return next((_number(each) for each in self.payload.metrics if each.name == "bdSeq"), None)

    def values(self, metrics: Iterable[tuple[Any, str]], certain: bool) -> list[Item | Command]:
        """Of metrics of a data message; an alias is resolved only where that is certain."""
        known = self.state.definitions.get(self.device)
        items: list[Item | Command] = []
        for metric, name in metrics:
            definition = _definition(metric, name, known, certain)
            found = _item(metric, definition, self.time_ms, self.name) if definition else None
            items.append(found or _unknown(metric, name, certain, self.name))
        return items or [_protocol("no metrics")]

    def in_sequence(self) -> bool:
        """Whether no message of the session is missing before this one; it is remembered if so."""
        progress = self.state.progress
        seq = self.payload.seq if self.payload.HasField("seq") else None
        if seq is not None and seq == progress.seq:
            return progress.certain  # delivered again
        if seq is None or progress.seq is None or seq != (progress.seq + 1) % 256:
            progress.certain = False
        progress.seq = seq
        return progress.certain

    def rebirth(self) -> list[Item | Command]:
        """A command that asks the node for its births, if the last one is long enough ago."""
        now_ms = max(0, self.message.received_at_ms)
        # A clock that was set back must not silence this for ever.
        if 0 <= now_ms - self.state.progress.rebirth_requested_ms < REBIRTH_EVERY_MS:
            return []
        self.state.progress.rebirth_requested_ms = now_ms
        payload = Payload(timestamp=now_ms)
        payload.metrics.add(name=REBIRTH, timestamp=now_ms, datatype=BOOLEAN, boolean_value=True)
        topic = f"{NAMESPACE}/{self.group}/NCMD/{self.node}"
        return [Command(topic, payload.SerializeToString())]

    def online(self, value: int, device: str, time_ms: int | None) -> Sample:
        """The metric `$online` of the node or of one of its devices."""
        return Sample(ONLINE, value, time_ms, device=_names(self.group, self.node, device))


def _node_birth(decoding: _Decoding) -> list[Item | Command]:
    state = decoding.state
    state.forget_session()
    progress = state.progress
    progress.seq = decoding.payload.seq
    progress.certain = True
    progress.bd_seq = decoding.bd_seq
    return _birth(decoding)


def _device_birth(decoding: _Decoding) -> list[Item | Command]:
    certain = decoding.in_sequence()
    return _birth(decoding) + ([] if certain else decoding.rebirth())


def _birth(decoding: _Decoding) -> list[Item | Command]:
    """What a birth defines, and the values that its metrics have at this moment."""
    state, time_ms = decoding.state, decoding.time_ms
    definitions = Definitions({}, {})
    items: list[Item | Command] = [decoding.online(1, decoding.device, time_ms)]
    room = MAX_DEFINITIONS - state.size
    for metric, name in _measured(decoding.payload.metrics):
        if not name or not is_known(metric.datatype):
            items.append(Rejection(UNKNOWN, "a metric of a birth without name or data type"))
            continue
        if len(definitions.by_name) >= room:
            items.append(Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_DEFINITIONS:,} metrics of one edge node"))
            continue
        definition = Definition(name, metric.datatype, _text_property(metric, "engUnit"))
        definitions.by_name[name] = definition
        if metric.HasField("alias"):
            definitions.by_alias[metric.alias] = definition
        items.append(_item(metric, definition, time_ms, decoding.name))
    state.define(decoding.device, definitions)
    return _bounded(items)


def _data(decoding: _Decoding) -> list[Item | Command]:
    """Values of metrics that a birth has defined. Aliases are trusted while no message is missing."""
    certain = decoding.in_sequence()
    items = decoding.values(_flat(decoding.payload.metrics), certain)
    is_readable = not any(isinstance(item, Rejection) and item.reason is UNKNOWN for item in items)
    items = _bounded(items)
    return items if certain and is_readable else [*items, *decoding.rebirth()]


def _node_death(decoding: _Decoding) -> list[Item | Command]:
    """The will of the session that `bdSeq` names. Its timestamp is that of the CONNECT: the entrance's clock counts."""
    progress = decoding.state.progress
    died = decoding.bd_seq
    if progress.bd_seq is not None and died is not None and died != progress.bd_seq:
        return [_protocol(f"death of session {died}; the session is {progress.bd_seq}")]
    devices = progress.online or [""]
    progress.online = []
    progress.certain = False
    return [decoding.online(0, device, None) for device in dict.fromkeys(["", *devices])]


def _device_death(decoding: _Decoding) -> list[Item | Command]:
    certain = decoding.in_sequence()
    decoding.state.set_online(decoding.device, False)
    return [decoding.online(0, decoding.device, decoding.time_ms), *([] if certain else decoding.rebirth())]


_DECODERS = {
    "NBIRTH": _node_birth,
    "DBIRTH": _device_birth,
    "NDATA": _data,
    "DDATA": _data,
    "NDEATH": _node_death,
    "DDEATH": _device_death,
}
"""By message type; commands are not for us."""


def _replayed(decoding: _Decoding) -> list[Item | Command]:
    """A dead letter that is sent again: out of its order, so that it can define nothing and no alias can be trusted."""
    return _bounded(decoding.values(_measured(decoding.payload.metrics), certain=False))


def _definition(metric: Any, name: str, known: Definitions | None, certain: bool) -> Definition | None:
    if name:
        if known is not None and (definition := known.by_name.get(name)) is not None:
            return definition
        # A name and a type, or a field whose type says how it is read, need no birth.
        if is_known(metric.datatype):
            return Definition(name, metric.datatype, _text_property(metric, "engUnit"))
        if metric.WhichOneof("value") in ("float_value", "double_value", "boolean_value", "string_value"):
            return Definition(name, DOUBLE, _text_property(metric, "engUnit"))
        return None
    return known.by_alias.get(metric.alias) if certain and known is not None and metric.HasField("alias") else None


def _item(metric: Any, definition: Definition, payload_time_ms: int | None, device: str) -> Item:
    if metric.HasField("properties") and (quality := _quality(metric)) is not None and quality not in _GOOD:
        return _rejected(metric, definition, RejectReason.BAD_VALUE, f"quality: {quality}", device)
    field = metric.WhichOneof("value")
    if field in _NESTED:
        return _rejected(metric, definition, RejectReason.NESTED_VALUES, f"metric: {definition.name}", device)
    value = None if field is None or metric.is_null else value_of(metric, field, definition.data_type)
    time_ms = metric.timestamp if metric.HasField("timestamp") else payload_time_ms
    return Sample(definition.name, value, time_ms, definition.unit, device=device)


def _rejected(metric: Any, definition: Definition, reason: RejectReason, detail: str, device: str) -> Rejection:
    """With a payload of its own that says the metric's name and type."""
    alone = Payload()
    alone.metrics.add().CopyFrom(metric)
    alone.metrics[0].name, alone.metrics[0].datatype = definition.name, definition.data_type
    alone.metrics[0].ClearField("alias")
    return Rejection(reason, detail, bytes(alone.SerializeToString()), device)


def _unknown(metric: Any, name: str, certain: bool, device: str) -> Rejection:
    what = f"metric {name[:100]!r}" if name else f"alias {metric.alias}"
    why = "no birth has defined it" if certain else "no birth of this session is known; a rebirth was requested"
    alone = Payload()
    alone.metrics.add().CopyFrom(metric)
    return Rejection(UNKNOWN, f"{what}: {why}", bytes(alone.SerializeToString()), device)


def _flat(metrics: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[Any, str]]:
    """Each metric with its name; those of a template's instance in place of the template (section 6.4.15)."""
    for metric in metrics:
        name = prefix + metric.name if metric.name else ""
        if metric.HasField("template_value") and depth < MAX_TEMPLATE_DEPTH:
            if not metric.template_value.is_definition:
                yield from _flat(metric.template_value.metrics, f"{name or metric.alias}/", depth + 1)
        else:
            yield metric, name


def _measured(metrics: Any) -> Iterator[tuple[Any, str]]:
    """Those of a birth that are no part of the protocol."""
    return ((metric, name) for metric, name in _flat(metrics) if name != "bdSeq" and not name.startswith(_CONTROLS))


def _bounded(items: list[Any]) -> list[Any]:
    if len(items) > MAX_MESSAGE_ITEMS:
        return [Rejection(RejectReason.TOO_MANY_ITEMS, f"{len(items):,} metrics, over {MAX_MESSAGE_ITEMS:,}")]
    return items


def _property(metric: Any, key: str) -> Any:
    properties = metric.properties
    for name, value in zip(properties.keys, properties.values, strict=False):
        if name == key and not value.is_null:
            return value
    return None


def _quality(metric: Any) -> int | None:
    value = _property(metric, "Quality")
    return None if value is None else int(value.long_value if value.HasField("long_value") else value.int_value)


def _text_property(metric: Any, key: str) -> str | None:
    if not metric.HasField("properties"):
        return None
    value = _property(metric, key)
    return value.string_value or None if value is not None else None


def _number(metric: Any) -> int:
    return int(metric.long_value if metric.HasField("long_value") else metric.int_value)


def _set_value(metric: Any, value: Any) -> None:
    if value is None:
        metric.is_null, metric.datatype = True, DOUBLE
    elif isinstance(value, bool):
        metric.datatype, metric.boolean_value = BOOLEAN, value
    elif isinstance(value, int):
        metric.datatype, metric.long_value = (INT64 if value < 0 else UINT64), value & (2**64 - 1)
    elif isinstance(value, float):
        metric.datatype, metric.double_value = DOUBLE, value
    elif isinstance(value, bytes):
        metric.datatype, metric.bytes_value = BYTES, value
    else:
        metric.datatype, metric.string_value = TEXT, str(value)


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
            Rejection(UNKNOWN, "alias 7: no birth of this session is known; a rebirth was requested"),
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
