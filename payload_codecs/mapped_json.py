"""JSON of any shape: a source says where device, time, metric, value and unit are."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from payload_codecs.codec import Ignored, Item, Rejection, Sample
from payload_codecs.json_path import NOT_APPLICABLE, Getter, getter
from payload_codecs.message import Message
from payload_codecs.metric_names import MAX_REMEMBERED, MetricNames
from schemas.glob import glob_pattern
from schemas.ignored_message import IgnoredReason
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason
from schemas.source import KEY, Dropped, Source, filled, is_template

SAMPLE = "$sample"
"""The one field of a message that holds one sample, as `MappedJson.original` makes it."""

MAX_NUMBER_LENGTH = 100
"""Characters of a text that may be a number with its unit."""

MAX_SHARED_LENGTH = 1000
"""Characters of a device, time or sequence number that all samples of an item have."""

MAX_DETAIL = 300
"""Characters of a rejection's detail."""

_NUMBER_IN_TEXT = re.compile(r"\s*[-+]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?[^0-9]*")

_encode = msgspec.json.Encoder().encode


class _Root:
    """A message's JSON value, and what places found in it: each is looked up once, however many items there are."""

    __slots__ = ("found", "levels", "value")

    def __init__(self, value: Any, levels: Mapping[str, str]) -> None:
        self.value = value
        self.levels = levels
        self.found: dict[Getter, Any] = {}

    def find(self, get: Getter) -> Any:
        if get not in self.found:
            self.found[get] = get(self.value)
        return self.found[get]


Place = Callable[[Any, _Root], Any]
"""From an item and the message around it to what a field of the source points at."""


class _Shared(msgspec.Struct, gc=False):
    """What all samples of one item have."""

    item: Any
    root: _Root
    device: str | None
    time: Any
    sequence: Any


class MappedJson:
    """The codec `json`.

    Items are the payload, the elements of an array, or what `items` or `devices` lead to. Expressions are looked up in
    the item; those for device, unit, sequence and time then also in the whole payload.

    Examples
    --------
    >>> source = Source(
    ...     name="plc",
    ...     topic="plc/{device}",
    ...     codec="json",
    ...     items="values",
    ...     metric="id",
    ...     value="v",
    ...     time="t || timestamp",
    ... )
    >>> payload = b'{"timestamp":1719800000123,"values":[{"id":"Line1.Temp","v":61.5,"q":true}]}'
    >>> [sample] = MappedJson(source).decode(Message(payload, "press-1"))
    >>> sample.metric, sample.value, sample.time
    ('Line1.Temp', 61.5, 1719800000123)
    """

    def __init__(self, source: Source) -> None:
        self._devices = getter(source.devices) if source.devices else None
        self._items = getter(source.items) if source.items else None
        self._device = _place(None if source.device_template else source.device)
        self._time = _place(source.time)
        self._sequence = _place(source.sequence)
        self._units = tuple((glob_pattern(glob), _place(place)) for glob, place in source.unit.items())
        self._unit_place = lru_cache(MAX_REMEMBERED)(self._unit_place_of)
        self._name = MetricNames(source).name
        self._words = frozenset(word.casefold() for word in source.words)
        self._drop = frozenset(source.drop)
        self._flatten = source.flatten
        self._values = getter(source.values) if source.values else None
        self._key = source.metric if source.values and source.metric != f"{{{KEY}}}" else None
        self._metric = _place(None if source.values else source.metric, in_root=False)
        self._value = getter(source.value or "@")

    def decode(self, message: Message) -> Sequence[Item]:
        """The items in the order of the payload; Ignored where the source keeps nothing of a message."""
        value = _parsed(message.payload)
        if type(value) is Rejection:
            return [value]
        if type(value) is dict and len(value) == 1 and SAMPLE in value:
            return [_from_original(value[SAMPLE])]
        root = _Root(value, message.levels)
        found: list[Item] = []
        try:
            for device, item in self._items_of(root):
                self._read(item, root, device, found)
                if len(found) > MAX_MESSAGE_ITEMS:
                    return [Rejection(RejectReason.TOO_MANY_ITEMS)]
        except NOT_APPLICABLE as error:
            return [Rejection(RejectReason.NO_VALUES, _not_applicable(error))]
        return found or [Ignored(IgnoredReason.EXCLUDED, "include, exclude and drop leave nothing of it")]

    def original(self, message: Message, sample: Sample) -> bytes:
        """A message in a form of our own, because a mapping cannot be reversed."""
        return _original(sample.metric, sample.value, sample.device, sample.time, sample.sequence, sample.unit)

    def _items_of(self, root: _Root) -> Iterator[tuple[str | None, Any]]:
        if self._devices is None:
            items = root.value if self._items is None else self._items(root.value)
            yield from ((None, item) for item in _listed(items, "items" if self._items else "the payload"))
            return
        devices = self._devices(root.value)
        if type(devices) is not dict or not devices:
            raise ValueError(f"devices leads to {_kind(devices)}")
        for device, items in devices.items():
            yield from ((device, item) for item in _listed(items, f"device {device}"))

    def _read(self, item: Any, root: _Root, device: str | None, found: list[Item]) -> None:
        """Read the samples of one item. What cannot be read costs itself and no sibling."""
        try:
            shared = self._shared(item, root, device)
            if self._values is None:
                self._add(self._metric and self._metric(item, root), self._value(item), shared, found)
            else:
                self._read_values(self._values(item), shared, found)
        except NOT_APPLICABLE as error:
            original = _original(None, item, device)
            found.append(Rejection(RejectReason.NO_VALUES, _not_applicable(error), original))

    def _shared(self, item: Any, root: _Root, device: str | None) -> _Shared:
        if device is None and self._device is not None:
            device = _short(self._device(item, root), "device")
            device = device if device is None or type(device) is str else _encode(device).decode()
        time = _short(self._time(item, root), "time") if self._time else None
        sequence = _short(self._sequence(item, root), "sequence") if self._sequence else None
        return _Shared(item, root, device, time, sequence)

    def _read_values(self, values: Any, shared: _Shared, found: list[Item]) -> None:
        if type(values) is not dict or not values:
            original = _original(None, shared.item, shared.device, shared.time, shared.sequence)
            found.append(Rejection(RejectReason.NO_VALUES, f"values leads to {_kind(values)}", original))
            return
        if self._key is not None:
            levels = shared.root.levels
            values = {filled(self._key, {**levels, KEY: key}) or key: value for key, value in values.items()}
        name_of, no_units, device = self._name, not self._units, shared.device
        for key, value in values.items():
            if no_units and (type(value) is float or type(value) is int):
                name = name_of(key)
                if name is not None:
                    found.append(Sample(name, value, shared.time, None, shared.sequence, device))
            elif self._flatten is not None and (type(value) is dict or type(value) is list):
                self._add_flattened(key, value, shared, found)
            else:
                self._add(key, value, shared, found)
            if len(found) > MAX_MESSAGE_ITEMS:
                return

    def _add_flattened(self, key: str, value: Any, shared: _Shared, found: list[Item]) -> None:
        """Add what is nested, in its order. A stack of our own: JSON may be nested deeper than Python calls."""
        stack = [(key, value)]
        while stack and len(found) <= MAX_MESSAGE_ITEMS:
            name, value = stack.pop()
            if type(value) not in (dict, list) or len(name) > MAX_NAME_LENGTH:
                self._add(name, value, shared, found)
                continue
            below = value.items() if type(value) is dict else enumerate(value)
            stack.extend(reversed([(f"{name}{self._flatten}{each}", nested) for each, nested in below]))

    def _add(self, metric: Any, value: Any, shared: _Shared, found: list[Item]) -> None:
        """Add a sample, unless the source drops it."""
        if type(metric) is str and metric:
            metric = self._name(metric)
            if metric is None:
                return
        kind = self._kind_to_drop(value)
        if kind is not None and kind in self._drop:
            return
        if kind is Dropped.NESTED:
            original = _original(metric, value, shared.device, shared.time, shared.sequence)
            found.append(Rejection(RejectReason.NESTED_VALUES, f"metric: {metric}"[:MAX_DETAIL], original))
            return
        unit = self._unit(metric, shared) if self._units else None
        found.append(Sample(metric, value, shared.time, unit, shared.sequence, shared.device))

    def _kind_to_drop(self, value: Any) -> Dropped | None:
        """What kind of a value this is; None of one that may be a number."""
        if type(value) is dict or type(value) is list:
            return Dropped.NESTED
        if value is None:
            return Dropped.NULL
        if type(value) is bool:
            return None if str(value).casefold() in self._words else Dropped.BOOLEAN
        if type(value) is not str or value.strip().casefold() in self._words:
            return None
        number = len(value) <= MAX_NUMBER_LENGTH and _NUMBER_IN_TEXT.fullmatch(value)
        return None if number else Dropped.TEXT

    def _unit(self, metric: Any, shared: _Shared) -> Any:
        place = self._unit_place(metric) if type(metric) is str else None
        return place and place(shared.item, shared.root)

    def _unit_place_of(self, metric: str) -> Place | None:
        if len(metric) > MAX_NAME_LENGTH:
            return None
        return next((place for pattern, place in self._units if pattern.fullmatch(metric)), None)


def _place(place: str | None, in_root: bool = True) -> Place | None:
    if place is None:
        return None
    if is_template(place):
        template = place
        return lambda item, root: filled(template, root.levels)
    get = getter(place)
    if not in_root:
        return lambda item, root: get(item)

    def find(item: Any, root: _Root) -> Any:
        found = get(item)
        return root.find(get) if found is None and item is not root.value else found

    return find


def _listed(items: Any, what: str) -> list[Any]:
    if type(items) is list:
        if not items:
            raise ValueError(f"{what} is an empty array")
        return items
    if items is None:
        raise ValueError(f"{what} leads to nothing")
    return [items]


def _parsed(payload: bytes) -> Any:
    """The JSON value of a payload, or the Rejection of what is none."""
    if not payload:
        return Rejection(RejectReason.EMPTY_PAYLOAD)
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return Rejection(RejectReason.NOT_JSON, str(error))


def _original(
    metric: Any, value: Any, device: str | None, time: Any = None, sequence: Any = None, unit: Any = None
) -> bytes:
    names = ("metric", "value", "device", "time", "sequence", "unit")
    given = zip(names, (metric, value, device, time, sequence, unit), strict=True)
    fields = {name: each for name, each in given if each is not None or name == "value"}
    try:
        return _encode({SAMPLE: fields})
    except RecursionError:
        return _encode({SAMPLE: {**fields, "value": "nested too deep to be repeated here"}})


def _from_original(fields: Any) -> Item:
    """The sample of a message that `_original` made, as it is or as a person has changed it."""
    if type(fields) is not dict or fields.keys() - set(Sample.__struct_fields__):
        return Rejection(RejectReason.NOT_A_READING, f"{SAMPLE} is no object with the fields of a sample")
    if type(fields.get("value")) in (dict, list):
        return Rejection(RejectReason.NESTED_VALUES)
    return Sample(**{"metric": None, "value": None, **fields})


def _short(value: Any, name: str) -> Any:
    """What all samples of an item have: each dead letter of 10,000 has a copy of it."""
    if type(value) is dict or type(value) is list or (type(value) is str and len(value) > MAX_SHARED_LENGTH):
        raise ValueError(f"{name} leads to {_kind(value)}, or is over {MAX_SHARED_LENGTH} characters")
    return value


def _kind(value: Any) -> str:
    empty = "an empty " if value in ({}, []) else "an "
    kinds = {dict: f"{empty}object", list: f"{empty}array", str: "a text", bool: "a boolean", type(None): "nothing"}
    return kinds.get(type(value), "a number")


def _not_applicable(error: Exception) -> str:
    return f"an expression does not fit the payload: {error}"[:MAX_DETAIL]
