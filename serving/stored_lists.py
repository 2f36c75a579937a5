"""Lists as the job stores them in Redis, and what of one is shown.

A list is JSON with parallel arrays: `{"items":[..],"scores":[..],"why":[..],"reasons":[..],"model_version",
"generated_at"}`, `why` being indices into `reasons`. Similar items have neither `why` nor a model.
"""

from collections.abc import Set
from typing import Any, NamedTuple

import orjson

from schemas.errors import TerminalError
from schemas.limits import MAX_LIST_ITEMS
from schemas.redis_keys import POPULAR_ITEMS, RECOMMENDATIONS, SIMILAR, TRENDING_ITEMS, WITHDRAWN_ITEMS

MAX_ITEMS = MAX_LIST_ITEMS

POPULAR = POPULAR_ITEMS.name
TRENDING = TRENDING_ITEMS.name
WITHDRAWN = WITHDRAWN_ITEMS.name


def of_user(user: str) -> str:
    """Key of a user's list."""
    return RECOMMENDATIONS.key(user)


def similar_to(item: str) -> str:
    """Key of an item's list."""
    return SIMILAR.key(item)


class Unreadable(TerminalError, ValueError):
    """Raised for a value that is no list. Only a foreign writer stores one. Terminal: until the job writes it anew."""


class StoredList(NamedTuple):
    """Parallel arrays: the items, the best first, with their scores and the indices of their reasons."""

    items: list[str]
    scores: list[float]
    why: list[int] | None
    reasons: list[str]
    model_version: str | None
    generated_at: int | None


EMPTY = StoredList([], [], None, [], None, None)


def read(value: bytes) -> StoredList:
    """The list that a value of Redis is.

    What is looked at is what an answer needs: lengths that fit, and types of what is shown (in `shown`).

    Raises
    ------
    Unreadable
    """
    try:
        found: dict[str, Any] = orjson.loads(value)
        stored = StoredList(
            found["items"], found["scores"], found.get("why"), found.get("reasons") or [],
            found.get("model_version"), found.get("generated_at"),
        )  # fmt: skip
        lengths = {len(stored.items), len(stored.scores), len(stored.items if stored.why is None else stored.why)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"no list: {error!r}") from error
    if len(lengths) != 1 or not isinstance(stored.items, list) or not isinstance(stored.scores, list):
        raise Unreadable("no list: its arrays do not fit together")
    return stored


def shown(stored: StoredList, limit: int, hidden: Set[str], excluded: Set[str]) -> list[dict[str, Any]]:
    """The first `limit` items that are neither hidden nor excluded, as they stand in an answer.

    Raises
    ------
    Unreadable
    """
    shown: list[dict[str, Any]] = []
    why, reasons = stored.why, stored.reasons
    for place, item in enumerate(stored.items):
        if type(item) is not str:
            raise Unreadable(f"no list: item {place} is no text")
        if item in hidden or item in excluded:
            continue
        entry: dict[str, Any] = {"item": item, "score": stored.scores[place]}
        if why is not None:
            entry["why"] = _reason(reasons, why[place])
        shown.append(entry)
        if len(shown) == limit:
            break
    return shown


def _reason(reasons: list[str], number: int) -> str:
    try:
        if number >= 0:
            return reasons[number]
    except (IndexError, TypeError):
        pass
    raise Unreadable(f"no list: there is no reason {number!r}")
