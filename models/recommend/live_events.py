"""Records of `interactions`, `items` and `users.forgotten`, in the order in which they came; others are refused."""

from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from models.gathered import cuts
from models.refused import Refused
from schemas.forgotten_user import ForgottenUser
from schemas.interaction import Interaction
from schemas.item import Item
from schemas.limits import MAX_CLOCK_SKEW_MS, MIN_EVENT_TIME_MS, event_time_fault
from schemas.record import Record, faults
from schemas.reject_reasons import RejectReason
from schemas.topics import ITEMS, USERS_FORGOTTEN

LONGEST_NAME = 200
"""Characters of a user, an item, an action: each is kept in state, and users and items in keys of a store."""

_ENTRIES = 7
"""Of an element: topic, partition, offset, append time, length, key, record."""


class Taken(NamedTuple):
    """A user did something with an item. Times in ms since the epoch; Kafka took it at `appended_ms`."""

    user: str
    item: str
    action: str
    event_time_ms: int
    appended_ms: int


class Offered(NamedTuple):
    """An item may be listed, or may not."""

    item: str
    available: bool


class Forgotten(NamedTuple):
    """Nothing is to be kept of a user, whatever still comes; Kafka took the record at `appended_ms`."""

    user: str
    appended_ms: int


class Events(NamedTuple):
    """What a micro-batch holds; `passed_over` counts interactions without an item, such as a login."""

    events: list[Taken | Offered | Forgotten]
    refused: list[Refused]
    passed_over: int


class _Unusable(ValueError):
    """The message says why."""


def read(records: bytes, lengths: bytes) -> Events:
    """The events of a micro-batch.

    Parameters
    ----------
    records
        A JSON array with an element for each record: topic, partition, offset, append time in ms, the record's length,
        its key (null for none), and the record itself as it came, which may be no JSON.
    lengths
        The bytes of each element, as big-endian integers of four bytes.

    Examples
    --------
    >>> values = [b'{"user":"ann","item":"tea","action":"buy","event_time":1719800000000}', b"{"]
    >>> heads = [b'["interactions",0,%d,1719800000100,%d,"ann",' % (n, len(value)) for n, value in enumerate(values)]
    >>> elements = [head + value + b"]" for head, value in zip(heads, values)]
    >>> lengths = b"".join(len(element).to_bytes(4) for element in elements)
    >>> found = read(b"[" + b",".join(elements) + b"]", lengths)
    >>> found.events[0].user, found.refused[0].offset, found.refused[0].original
    ('ann', 1, b'{')
    """
    places = cuts(lengths)
    found = Events([], [], 0)
    try:
        elements = orjson.loads(records)
        is_whole = list(map(len, elements)) == [_ENTRIES] * len(places)
    except (orjson.JSONDecodeError, TypeError):
        is_whole = False
    if not is_whole:  # one of them is no JSON, or more than one text
        elements = [_element(records[place]) for place in places]
    passed_over = 0
    for number, element in enumerate(elements):
        try:
            event = _event(element)
        except _Unusable as error:
            end = places[number].stop - 1
            found.refused.append(_refused(element, str(error), records[end - element[4] : end]))
            continue
        if event is None:
            passed_over += 1
        else:
            found.events.append(event)
    return found._replace(passed_over=passed_over)


_REASONS = {ITEMS.name: RejectReason.NOT_AN_ITEM, USERS_FORGOTTEN.name: RejectReason.NOT_A_FORGOTTEN_USER}


def _refused(element: list[Any], detail: str, original: bytes) -> Refused:
    topic, partition, offset, appended_ms, _, key, _ = element
    reason = _REASONS.get(topic, RejectReason.NOT_AN_INTERACTION)
    return Refused(reason, detail, topic, partition, offset, appended_ms, key, original)


def _element(element: bytes) -> list[Any]:
    """One that may hold no JSON: then its last entry is the exception that says so."""
    try:
        read: list[Any] = orjson.loads(element)
        if len(read) == _ENTRIES:
            return read
        why = "more than one JSON text"
    except orjson.JSONDecodeError as error:
        why = str(error)
    topic, partition, offset, appended_ms, length, rest = element.split(b",", 5)
    key = rest[: len(rest) - int(length) - 2]
    return [topic[2:-1].decode(), int(partition), int(offset), int(appended_ms), int(length), orjson.loads(key),
            _Unusable(f"not JSON: {why}")]  # fmt: skip


def _event(element: list[Any]) -> Taken | Offered | Forgotten | None:
    """Raises _Unusable."""
    topic, _, _, appended_ms, _, key, record = element
    if isinstance(record, _Unusable):
        raise record
    if topic == ITEMS.name:
        return _offered(key, record)
    if topic == USERS_FORGOTTEN.name:
        return Forgotten(_read(ForgottenUser, record).user, appended_ms)
    if type(record) is dict:
        user, item, action, time_ms = map(record.get, ("user", "item", "action", "event_time"))
        # As most are; whatever is not goes by the record's own definition, which says what is wrong.
        if type(user) is type(item) is type(action) is str and type(time_ms) is int:
            return _taken(user, item, action, time_ms, appended_ms)
    read = _read(Interaction, record)
    return None if read.item is None else _taken(read.user, read.item, read.action, read.event_time, appended_ms)


def _taken(user: str, item: str, action: str, time_ms: int, appended_ms: int) -> Taken:
    if not (0 < len(user) <= LONGEST_NAME and 0 < len(item) <= LONGEST_NAME and 0 < len(action) <= LONGEST_NAME):
        for name, text in (("user", user), ("item", item), ("action", action)):
            if not 0 < len(text) <= LONGEST_NAME:
                raise _Unusable(f"{name} has {len(text)} characters; it takes 1 to {LONGEST_NAME}")
    # Compared here, and explained only where it is wrong: this runs for every interaction.
    if not MIN_EVENT_TIME_MS <= time_ms <= appended_ms + MAX_CLOCK_SKEW_MS:
        raise _Unusable(f"event_time {time_ms} {event_time_fault(time_ms, appended_ms)}, as of when it was stored")
    return Taken(user, item, action, time_ms, appended_ms)


def _offered(key: str | None, record: Any) -> Offered:
    if record is None:
        if not key or len(key) > LONGEST_NAME:
            raise _Unusable("neither value nor a key that is an item")
        return Offered(key, False)
    item = _read(Item, record)
    return Offered(item.item, item.available)


def _read(definition: type[Record], record: Any) -> Any:
    """Raises _Unusable."""
    try:
        return definition.model_validate(record)
    except ValidationError as error:
        raise _Unusable("; ".join(faults(error))[:500]) from None
