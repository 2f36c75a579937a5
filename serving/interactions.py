"""Parses the body of POST /interactions: one interaction or an array, validated as a whole."""

import time
from collections.abc import Callable
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.interaction import Interaction
from schemas.limits import MIN_EVENT_TIME_MS, event_time_fault
from schemas.record import faults
from serving.errors import ApiError, ErrorCode
from serving.interaction_producer import Record
from serving.params import MAX_ID_LENGTH

MAX_BATCH = 100
MAX_CONTEXT_ENTRIES = 20

_ID = r"^[^\x00-\x1f\x7f-\x9f]+$"


class PostedInteraction(BaseModel):
    """One action of one user."""

    model_config = ConfigDict(strict=True, extra="forbid")

    user: str = Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=_ID, examples=["u-17"])
    item: str | None = Field(None, min_length=1, max_length=MAX_ID_LENGTH, pattern=_ID, examples=["i-42"])
    action: str = Field(min_length=1, max_length=50, pattern=_ID, examples=["view"])
    event_time: int | None = Field(
        None, json_schema_extra={"minimum": MIN_EVENT_TIME_MS}, examples=[1_790_000_000_000],
        description="ms since the epoch; by default the time of the request. Set it to make retries recognisable",
    )  # fmt: skip
    context: dict[str, str] | None = Field(None, max_length=MAX_CONTEXT_ENTRIES, examples=[{"page": "home"}])
    exposure_id: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_ID_LENGTH,
        pattern=_ID,
        description="exposure_id of the list that the user acted on",
    )


def read(body: bytes, now_ms: int | None = None) -> list[Interaction]:
    """The interactions of a body: an object, or an array of 1 to 100.

    Raises
    ------
    ApiError
        If one of them is invalid.
    """
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(ErrorCode.BAD_REQUEST, f"the body is not JSON: {error}") from error
    entries = found if isinstance(found, list) else [found]
    if not 1 <= len(entries) <= MAX_BATCH:
        raise ApiError(ErrorCode.BAD_REQUEST, f"a request holds 1 to {MAX_BATCH} interactions, not {len(entries)}")
    return [_interaction(entry, place, now_ms) for place, entry in enumerate(entries)]


def records(interactions: list[Interaction], pseudonym_of: Callable[[str], str]) -> list[Record]:
    """Keys and values for the topic, with pseudonyms in place of users."""
    named = [each.model_copy(update={"user": pseudonym_of(each.user)}) for each in interactions]
    return [(each.user.encode(), each.model_dump_json().encode()) for each in named]


def _interaction(entry: object, place: int, now_ms: int) -> Interaction:
    try:
        posted = PostedInteraction.model_validate(entry)
    except ValidationError as error:
        detail = "; ".join(list(faults(error))[:3])
        raise ApiError(ErrorCode.BAD_REQUEST, f"interaction {place}: {detail}") from error
    event_time = now_ms if posted.event_time is None else posted.event_time
    if fault := event_time_fault(event_time, now_ms):
        raise ApiError(ErrorCode.BAD_REQUEST, f"interaction {place}: event_time {fault}. Send ms since the epoch")
    return Interaction(**posted.model_dump(exclude={"event_time"}), event_time=event_time)
