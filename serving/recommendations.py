"""Makes the answer to a question about a user or an item, out of what Redis holds."""

import os
import time
from collections.abc import Callable
from typing import Any

import orjson

from connectors.stores import StoreAway
from schemas.experiment import USUAL
from serving import stored_lists
from serving.assignment import Arms
from serving.cache import Shelf
from serving.exposure_producer import ExposureLog
from serving.params import Question


class Answers:
    """Every list comes with its source; one that had to stand in for another is marked `degraded`."""

    def __init__(self, shelf: Shelf, exposures: ExposureLog, arms: Arms, pseudonym_of: Callable[[str], str]) -> None:
        self._shelf = shelf
        self._pseudonym_of = pseudonym_of
        self._arms = arms
        self._exposures = exposures
        self.by_source = dict.fromkeys(("personal", "similar", "popular", "trending", "none"), 0)
        self.degraded = 0

    async def for_user(self, user: str, question: Question) -> bytes:
        """JSON of a user's recommendations; also logs the exposure."""
        pseudonym = self._pseudonym_of(user)
        wanted, arm = self._arms.shown_to(pseudonym)
        if wanted == USUAL:
            answer = await self._answer(stored_lists.of_user(pseudonym), "personal", question)
        else:
            answer = self._of_all(wanted, question)
        exposure_id = os.urandom(16).hex()
        self._expose(exposure_id, pseudonym, answer, arm, question.context)
        return orjson.dumps({"user": user, "exposure_id": exposure_id, **answer})

    async def for_item(self, item: str, question: Question) -> bytes:
        """JSON of what goes with an item. Nobody's exposure: it is not known who asks."""
        excluded = question.exclude | {item}
        answer = await self._answer(stored_lists.similar_to(item), "similar", question._replace(exclude=excluded))
        return orjson.dumps({"item": item, **answer})

    async def _answer(self, key: str, source: str, question: Question) -> dict[str, Any]:
        try:
            value = await self._shelf.get(key)
        except StoreAway:
            self.degraded += 1
            return self._shared(question, degraded=True)
        answer = self._stored(value, source, question) if value is not None else None
        return answer or self._shared(question, degraded=False)

    def _stored(self, value: bytes, source: str, question: Question) -> dict[str, Any] | None:
        """None for a value that is no list: it is counted, and the user gets what a new user gets."""
        try:
            stored = stored_lists.read(value)
            items = stored_lists.shown(stored, question.limit, self._shelf.shared.withdrawn, question.exclude)
        except stored_lists.Unreadable:
            self._shelf.unreadable += 1
            return None
        self.by_source[source] += 1
        return _fields(stored, items, source, degraded=False)

    def _of_all(self, source: str, question: Question) -> dict[str, Any]:
        """The list that an arm is shown; without one, what a user without a list gets."""
        shared = self._shelf.shared
        stored = shared.lists.get(source)
        away = self._shelf.away is not None
        if stored is None:
            return self._shared(question, degraded=away)
        self.by_source[source] += 1
        self.degraded += away
        return _fields(
            stored, stored_lists.shown(stored, question.limit, shared.withdrawn, question.exclude), source, away
        )

    def _shared(self, question: Question, degraded: bool) -> dict[str, Any]:
        """What all see. No list is known before the job has written one: then there are no items."""
        shared = self._shelf.shared
        self.by_source[shared.source] += 1
        if shared.popular is None:
            return {
                "items": [], "source": shared.source, "degraded": degraded,
                "model_version": None, "generated_at": None,
            }  # fmt: skip
        items = stored_lists.shown(shared.popular, question.limit, shared.withdrawn, question.exclude)
        return _fields(shared.popular, items, shared.source, degraded)

    def _expose(
        self, exposure_id: str, user: str, answer: dict[str, Any], arm: str | None, context: str | None
    ) -> None:
        # As schemas.exposure.Exposure writes it; a test reads it back. Making the record first costs 4 us more.
        exposure = {
            "schema_version": 1,
            "exposure_id": exposure_id,
            "user": user,
            "items": [each["item"] for each in answer["items"]],
            "model_version": answer["model_version"],
            "source": answer["source"],
            "arm": arm,
            "event_time": time.time_ns() // 1_000_000,
            "context": context,
        }
        self._exposures.offer(user.encode(), orjson.dumps(exposure))


def _fields(
    stored: stored_lists.StoredList, items: list[dict[str, Any]], source: str, degraded: bool
) -> dict[str, Any]:
    return {
        "items": items,
        "source": source,
        "degraded": degraded,
        "model_version": stored.model_version,
        "generated_at": stored.generated_at,
    }
