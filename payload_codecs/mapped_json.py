"""JSON of any shape: a source says where device, time, metric, value and unit are."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.example import Example
from payload_codecs.json_path import NOT_APPLICABLE, Getter, field_name, getter
from payload_codecs.json_text import NoJsonText, encoded, parsed
from payload_codecs.message import Message
from payload_codecs.selection import MAX_REMEMBERED, Selection, nothing_kept
from schemas.glob import glob_of
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.place import KEY, fill_template, is_template
from schemas.reject_reasons import RejectReason
from schemas.source import Source

SAMPLE = "$sample"
"""The one field of a replayed message that holds one sample, as `MappedJson.original` makes it.

What a device sends under this name is a field like others: no sender may write a sample's device by itself.
"""

_ORIGINAL_FIELDS = frozenset({"metric", "value", "device", "time", "sequence", "unit", "item"})

MAX_SHARED_LENGTH = 1000
"""Characters of a device, time or sequence number that all samples of an item have."""

MAX_DETAIL = 300
"""Characters of a rejection's detail."""


class _Root:
    """A message's JSON value, and what places found in it: each is looked up once, however many items there are."""

    __slots__ = ("found", "levels", "value")

    def __init__(self, value: Any, levels: Mapping[str, str]) -> None:
        self.value = value
        self.levels = levels
        self.found: dict[Getter, Any] = {}

    def find(self, get: Getter) -> Any:
        if get not in self.found:
            self.found[get] = _attempt(get, self.value)
        found = self.found[get]
        if isinstance(found, Exception):
            raise found
        return found


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
        self.passed_over: Counter[str] = Counter()
        """Messages with a `byte order mark`, and with `NULs`."""
        self._devices = getter(source.devices) if source.devices else None
        self._items = getter(source.items) if source.items else None
        self._has_one_item = self._devices is None and self._items is None
        self._device = _place(None if source.device_template else source.device)
        self._time = _place(source.time)
        self._sequence = _place(source.sequence)
        self._units = tuple((glob_of(glob), _place(place)) for glob, place in source.unit.items())
        self._unit_of_all = _place(source.unit["*"]) if list(source.unit) == ["*"] else None
        self._unit_place = lru_cache(MAX_REMEMBERED)(self._unit_place_of)
        self._selection = Selection(source)
        self._name = self._selection.name
        self._flatten = source.flatten
        self._values = getter(source.values) if source.values else None
        self._key = source.metric if source.values and source.metric != f"{{{KEY}}}" else None
        self._metric = _place(None if source.values else source.metric, in_root=False)
        self._value = getter(source.value or "@")
        self._getters = self._getters_of_one_item(source)

    def decode(self, message: Message) -> Sequence[Item]:
        """The items in the order of the payload; Ignored where the source keeps nothing of a message."""
        try:
            value = parsed(message.payload, self.passed_over)
        except NoJsonText as error:
            return [error.rejection]
        if type(value) is dict and len(value) == 1 and SAMPLE in value:
            return [_from_original(value[SAMPLE])] if message.is_replay else self._apart_from_originals(value, message)
        found = self._items_in(value, message)
        if len(found) == 1 and isinstance(found[0], Rejection):
            found[0].original = None  # the payload
        return found

    def original(self, message: Message, sample: Sample) -> bytes:
        """A message in a form of our own, because a mapping cannot be reversed."""
        return _original(sample.metric, sample.value, sample.device, sample.time, sample.sequence, sample.unit)

    def _apart_from_originals(self, value: Any, message: Message) -> list[Item]:
        """The items of a device's `$sample`. Replayed as it was sent, the payload would be another item."""
        found = self._items_in(value, message)
        for item in found:
            if isinstance(item, Sample):
                item.original = self.original(message, item)
            elif isinstance(item, Rejection) and item.original is None:
                item.original = _original_of_item(value)
        return found

    def _items_in(self, value: Any, message: Message) -> list[Item]:
        if self._getters is not None and (sample := self._usual_sample(value, self._getters)) is not None:
            return [sample]
        root = _Root(value, message.levels)
        found: list[Item] = []
        try:
            if self._has_one_item and type(value) is not list:
                self._read(value, root, None, found)
            else:
                for device, item in self._items_of(root):
                    self._read(item, root, device, found)
                    if len(found) > MAX_MESSAGE_ITEMS:
                        break
        except NOT_APPLICABLE as error:
            return [Rejection(RejectReason.NO_VALUES, _not_applicable(error))]
        if len(found) > MAX_MESSAGE_ITEMS:
            return [Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_MESSAGE_ITEMS:,} items")]
        return found or [nothing_kept()]

    def _getters_of_one_item(self, source: Source) -> Sequence[Getter | None] | None:
        """Of its metric, value, time, unit, sequence and device; None where they need more than the payload itself."""
        if not self._has_one_item or source.values or (self._units and self._unit_of_all is None):
            return None
        device = None if source.device_template else source.device
        places = (source.metric, source.value or "@", source.time, source.unit.get("*"), source.sequence, device)
        if source.metric is None or any(place is not None and is_template(place) for place in places):
            return None
        return [None if place is None else getter(place) for place in places]

    def _usual_sample(self, item: Any, getters: Sequence[Getter | None]) -> Sample | None:
        """The sample of a payload that is one item, with fields of the usual types; None of any other: the hot path."""
        if type(item) is list:
            return None
        try:
            metric, value, time, unit, sequence, device = [get and get(item) for get in getters]
        except NOT_APPLICABLE:
            return None
        if (
            (type(value) is float or type(value) is int)
            and (type(metric) is str and metric)
            and (type(time) is int or time is None or _is_short_text(time))
            and (type(sequence) is int or sequence is None)
            and (unit is None or _is_short_text(unit))
            and (device is None or _is_short_text(device))
            and (name := self._name(metric)) is not None
        ):
            return Sample(name, value, time, unit, sequence, device)
        return None

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
            original = _original_of_item(item, device)
            found.append(Rejection(RejectReason.NO_VALUES, _not_applicable(error), original))

    def _shared(self, item: Any, root: _Root, device: str | None) -> _Shared:
        if device is None and self._device is not None:
            device = _short(self._device(item, root), "device")
            device = device if device is None or type(device) is str else encoded(device).decode()
        time = _short(self._time(item, root), "time") if self._time else None
        sequence = _short(self._sequence(item, root), "sequence") if self._sequence else None
        return _Shared(item, root, device, time, sequence)

    def _read_values(self, values: Any, shared: _Shared, found: list[Item]) -> None:
        if type(values) is not dict or not values:
            original = _original_of_item(shared.item, shared.device, shared.time, shared.sequence)
            found.append(Rejection(RejectReason.NO_VALUES, f"values leads to {_kind(values)}", original))
            return
        if self._key is not None:
            levels = shared.root.levels
            values = {fill_template(self._key, {**levels, KEY: key}) or key: value for key, value in values.items()}
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
        kind = type(value)
        if kind is not float and kind is not int and self._selection.drops(value):
            return
        if kind is dict or kind is list:
            original = _original(metric, value, shared.device, shared.time, shared.sequence)
            found.append(Rejection(RejectReason.NESTED_VALUES, f"metric: {metric}"[:MAX_DETAIL], original))
            return
        unit = None
        if self._unit_of_all is not None:
            unit = _short(self._unit_of_all(shared.item, shared.root), "unit")
        elif self._units:
            unit = _short(self._unit(metric, shared), "unit")
        found.append(Sample(metric, value, shared.time, unit, shared.sequence, shared.device))

    def _unit(self, metric: Any, shared: _Shared) -> Any:
        place = self._unit_place(metric) if type(metric) is str else None
        return place and place(shared.item, shared.root)

    def _unit_place_of(self, metric: str) -> Place | None:
        if len(metric) > MAX_NAME_LENGTH:
            return None
        return next((place for pattern, place in self._units if pattern.matches(metric)), None)


def _place(place: str | None, in_root: bool = True) -> Place | None:
    if place is None:
        return None
    if is_template(place):
        template = place
        return lambda item, root: fill_template(template, root.levels)
    get = getter(place)
    if not in_root:
        return lambda item, root: get(item)
    if (name := field_name(place)) is not None:
        return _field_place(name, get)

    def find(item: Any, root: _Root) -> Any:
        if item is root.value:
            return get(item)
        found = _attempt(get, item)
        return root.find(get) if found is None or isinstance(found, Exception) else found

    return find


def _attempt(get: Getter, value: Any) -> Any:
    """What a getter finds, or the exception that it raises: such as that of `max(list)` where there is no list."""
    try:
        return get(value)
    except NOT_APPLICABLE as error:
        return error


def _field_place(name: str, get: Getter) -> Place:
    """Of one field of the item: without the call of its getter, the usual case costs half."""

    def find(item: Any, root: _Root) -> Any:
        if type(item) is dict and (found := item.get(name)) is not None:
            return found
        return None if item is root.value else root.find(get)

    return find


def _listed(items: Any, what: str) -> list[Any]:
    if type(items) is list:
        if not items:
            raise ValueError(f"{what} is an empty array")
        return items
    if items is None:
        raise ValueError(f"{what} leads to nothing")
    return [items]


def _original(
    metric: Any, value: Any, device: str | None, time: Any = None, sequence: Any = None, unit: Any = None
) -> bytes:
    names = ("metric", "value", "device", "time", "sequence", "unit")
    given = zip(names, (metric, value, device, time, sequence, unit), strict=True)
    return encoded({SAMPLE: {name: each for name, each in given if each is not None or name == "value"}})


def _original_of_item(item: Any, device: str | None = None, time: Any = None, sequence: Any = None) -> bytes:
    """Of an item without samples. To replay it, a person writes metric and value in place of `item`."""
    given = (("item", item), ("device", device), ("time", time), ("sequence", sequence))
    return encoded({SAMPLE: {name: each for name, each in given if each is not None or name == "item"}})


def _from_original(fields: Any) -> Item:
    """What a message holds that `_original` made, as it is or as a person has changed it."""
    if type(fields) is not dict or fields.keys() - _ORIGINAL_FIELDS:
        return Rejection(RejectReason.NOT_A_READING, f"{SAMPLE} is no object with the fields of a sample")
    if "item" in fields:
        return Rejection(RejectReason.NO_VALUES, "write metric and value in place of item")
    if type(fields.get("value")) in (dict, list):
        return Rejection(RejectReason.NESTED_VALUES)
    return Sample(**{"metric": None, "value": None, **fields})


def _is_short_text(value: Any) -> bool:
    return type(value) is str and len(value) <= MAX_SHARED_LENGTH


def _short(value: Any, name: str) -> Any:
    """What all samples of an item have: each dead letter of 10,000 has a copy of it."""
    if value is None or type(value) is int or type(value) is float:
        return value
    size = len(value) if type(value) is str else len(bytes(value)) if type(value) is msgspec.Raw else 0
    if type(value) is dict or type(value) is list or size > MAX_SHARED_LENGTH:
        raise ValueError(f"{name} leads to {_kind(value)}, or is over {MAX_SHARED_LENGTH} characters")
    return value


def _kind(value: Any) -> str:
    empty = "an empty " if value in ({}, []) else "an "
    kinds = {dict: f"{empty}object", list: f"{empty}array", str: "a text", bool: "a boolean", type(None): "nothing"}
    return kinds.get(type(value), "a number")


def _not_applicable(error: Exception) -> str:
    return f"an expression does not fit the payload: {error}"[:MAX_DETAIL]


EXAMPLES = (
    Example(
        "A gateway of a PLC: values of poor quality are left out, and the time is that of the value or of the message.",
        'topic = "plc/{device}"\ncodec = "json"\nitems = "values[?q]"\nmetric = "id"\nvalue = "v"\n'
        'time = "t || timestamp"',
        "plc/press-1",
        b'{"timestamp":1719800000123,"values":[{"id":"Line1.Temp","v":61.5,"q":true,"t":1719800000100},'
        b'{"id":"Line1.Speed","v":3,"q":true},{"id":"Line1.Broken","v":0,"q":false}]}',
        (Sample("Line1.Temp", 61.5, 1719800000100), Sample("Line1.Speed", 3, 1719800000123)),
    ),
    Example(
        "Nested objects are flattened, and each name but one is kept.",
        'topic = "tele/{device}/SENSOR"\ncodec = "json"\nvalues = "@"\nflatten = "."\ntime = "Time"\n'
        'time_format = "iso8601"\nexclude = "Time"\nrename = {"*.Temperature" = "*.temperature"}',
        "tele/cellar/SENSOR",
        b'{"Time":"2024-07-01T02:13:20","AM2301":{"Temperature":14.5,"Humidity":61.2}}',
        (
            Sample("AM2301.temperature", 14.5, "2024-07-01T02:13:20"),
            Sample("AM2301.Humidity", 61.2, "2024-07-01T02:13:20"),
        ),
    ),
    Example(
        "One message with the values of several devices; a nested field is rejected alone.",
        'topic = "gateway"\ncodec = "json"\ndevices = "@"\nvalues = "values"\ntime = "ts"',
        "gateway",
        b'{"press-1":[{"ts":1719800000123,"values":{"torque":4.1,"limits":{"max":9}}}],"press-2":{"values":{"torque":4}}}',
        (
            Sample("torque", 4.1, 1719800000123, device="press-1"),
            Rejection(RejectReason.NESTED_VALUES, "metric: limits"),
            Sample("torque", 4, device="press-2"),
        ),
    ),
)
