"""Records of `interactions`, `items` and `users.forgotten`, in the order in which they came; others are refused."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.dead_letter import RefusedRecord
from schemas.forgotten_user import ForgottenUser
from schemas.interaction import Interaction
from schemas.item import Item
from schemas.limits import MAX_CLOCK_SKEW_MS, MAX_NAME_LENGTH, MIN_EVENT_TIME_MS, event_time_fault
from schemas.record import Record, faults
from schemas.reject_reasons import RejectReason
from schemas.topics import ITEMS, USERS_FORGOTTEN


class LiveRecord(NamedTuple):
    """A record as it came; Kafka took it at `appended_ms`, ms since the epoch. Its value may be no JSON."""

    topic: str
    partition: int
    offset: int
    appended_ms: int
    key: str | None
    value: bytes | None


class ItemInteraction(NamedTuple):
    """A user did something with an item. Times in ms since the epoch; Kafka took it at `appended_ms`."""

    user: str
    item: str
    action: str
    event_time_ms: int
    appended_ms: int


class ItemAvailability(NamedTuple):
    """An item may be listed, or may not."""

    item: str
    available: bool


class UserDeletion(NamedTuple):
    """Nothing is to be kept of a user, whatever still comes; Kafka took the record at `appended_ms`."""

    user: str
    appended_ms: int


class Events(NamedTuple):
    """What a micro-batch holds; `passed_over` counts interactions without an item, such as a login."""

    events: list[ItemInteraction | ItemAvailability | UserDeletion]
    refused: list[RefusedRecord]
    passed_over: int


class _Unusable(ValueError):
    """The message says why."""


def read(records: Sequence[LiveRecord]) -> Events:
    """The events of a micro-batch.

    Examples
    --------
    >>> values = [b'{"user":"ann","item":"tea","action":"buy","event_time":1719800000000}', b"{"]
    >>> batch = [LiveRecord("interactions", 0, n, 1719800000100, "ann", value) for n, value in enumerate(values)]
    >>> found = read(batch)
    >>> found.events[0].user, found.refused[0].offset, found.refused[0].original
    ('ann', 1, b'{')
    """
    found = Events([], [], 0)
    passed_over = 0
    for record in records:
        try:
            event = _event(record)
        except _Unusable as error:
            found.refused.append(_refused(record, str(error)))
            continue
        if event is None:
            passed_over += 1
        else:
            found.events.append(event)
    return found._replace(passed_over=passed_over)


_REASONS = {ITEMS.name: RejectReason.NOT_AN_ITEM, USERS_FORGOTTEN.name: RejectReason.NOT_A_FORGOTTEN_USER}


def _refused(record: LiveRecord, detail: str) -> RefusedRecord:
    topic, partition, offset, appended_ms, key, value = record
    reason = _REASONS.get(topic, RejectReason.NOT_AN_INTERACTION)
    return RefusedRecord(reason, detail, topic, partition, offset, appended_ms, key, value or b"")


def _event(came: LiveRecord) -> ItemInteraction | ItemAvailability | UserDeletion | None:
    """The event of a record; None for one that is to be skipped.

    Raises
    ------
    _Unusable
        When the record cannot be used; says why.
    """
    topic, _, _, appended_ms, key, value = came
    try:
        record = None if value is None else orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _Unusable(f"not JSON: {error}") from None
    if topic == ITEMS.name:
        return _availability(key, record)
    if topic == USERS_FORGOTTEN.name:
        return UserDeletion(_read(ForgottenUser, record).user, appended_ms)
    if type(record) is dict:
        user, item, action, time_ms = map(record.get, ("user", "item", "action", "event_time"))
        # As most are; whatever is not goes by the record's own definition, which says what is wrong.
        if type(user) is type(item) is type(action) is str and type(time_ms) is int:
            return _interaction(user, item, action, time_ms, appended_ms)
    read = _read(Interaction, record)
    return None if read.item is None else _interaction(read.user, read.item, read.action, read.event_time, appended_ms)


def _interaction(user: str, item: str, action: str, time_ms: int, appended_ms: int) -> ItemInteraction:
    if not (
        0 < len(user) <= MAX_NAME_LENGTH and 0 < len(item) <= MAX_NAME_LENGTH and 0 < len(action) <= MAX_NAME_LENGTH
    ):
        for name, text in (("user", user), ("item", item), ("action", action)):
            if not 0 < len(text) <= MAX_NAME_LENGTH:
                raise _Unusable(f"{name} has {len(text)} characters; it takes 1 to {MAX_NAME_LENGTH}")
    # Compared here, and explained only where it is wrong: this runs for every interaction.
    if not MIN_EVENT_TIME_MS <= time_ms <= appended_ms + MAX_CLOCK_SKEW_MS:
        raise _Unusable(f"event_time {time_ms} {event_time_fault(time_ms, appended_ms)}, as of when it was stored")
    return ItemInteraction(user, item, action, time_ms, appended_ms)


def _availability(key: str | None, record: Any) -> ItemAvailability:
    if record is None:
        if not key or len(key) > MAX_NAME_LENGTH:
            raise _Unusable("neither value nor a key that is an item")
        return ItemAvailability(key, False)
    item = _read(Item, record)
    return ItemAvailability(item.item, item.available)


def _read(definition: type[Record], record: Any) -> Any:
    """The record, checked against its definition.

    Raises
    ------
    _Unusable
        When it does not fit; says why.
    """
    try:
        return definition.model_validate(record)
    except ValidationError as error:
        raise _Unusable("; ".join(faults(error))[:500]) from None
