"""Makes the answer to a question about a user or an item, out of what Redis holds."""

import os
import time
from collections.abc import Callable
from typing import Any

import orjson

from connectors.stores import StoreUnavailable
from schemas.experiment import DEFAULT_LIST
from serving import stored_lists
from serving.assignment import Assignments
from serving.cache import RecommendationCache
from serving.exposure_producer import ExposureProducer
from serving.params import ListParams


class RecommendationService:
    """Every list comes with its source; one that had to stand in for another is marked `degraded`."""

    def __init__(
        self,
        cache: RecommendationCache,
        exposures: ExposureProducer,
        assignments: Assignments,
        pseudonym_of: Callable[[str], str],
    ) -> None:
        self._cache = cache
        self._pseudonym_of = pseudonym_of
        self._assignments = assignments
        self._exposures = exposures
        self.by_source = dict.fromkeys(("personal", "similar", "popular", "trending", "none"), 0)
        self.degraded = 0

    async def for_user(self, user: str, params: ListParams) -> bytes:
        """JSON of a user's recommendations; also logs the exposure."""
        pseudonym = self._pseudonym_of(user)
        wanted, arm = self._assignments.shown_to(pseudonym)
        if wanted == DEFAULT_LIST:
            answer = await self._answer(stored_lists.of_user(pseudonym), "personal", params)
        else:
            answer = self._of_all(wanted, params)
        exposure_id = os.urandom(16).hex()
        self._expose(exposure_id, pseudonym, answer, arm, params.context)
        return orjson.dumps({"user": user, "exposure_id": exposure_id, **answer})

    async def for_item(self, item: str, params: ListParams) -> bytes:
        """JSON of what goes with an item. Nobody's exposure: it is not known who asks."""
        excluded = params.exclude | {item}
        answer = await self._answer(stored_lists.similar_to(item), "similar", params._replace(exclude=excluded))
        return orjson.dumps({"item": item, **answer})

    async def _answer(self, key: str, source: str, params: ListParams) -> dict[str, Any]:
        try:
            value = await self._cache.get(key)
        except StoreUnavailable:
            self.degraded += 1
            return self._shared(params, degraded=True)
        answer = self._stored(value, source, params) if value is not None else None
        return answer or self._shared(params, degraded=False)

    def _stored(self, value: bytes, source: str, params: ListParams) -> dict[str, Any] | None:
        """None for a value that is no list: it is counted, and the user gets what a new user gets."""
        try:
            stored = stored_lists.read(value)
            items = stored_lists.shown(stored, params.limit, self._cache.shared.withdrawn, params.exclude)
        except stored_lists.Unreadable:
            self._cache.unreadable += 1
            return None
        self.by_source[source] += 1
        return _fields(stored, items, source, degraded=False)

    def _of_all(self, source: str, params: ListParams) -> dict[str, Any]:
        """The list that an arm is shown; without one, what a user without a list gets."""
        shared = self._cache.shared
        stored = shared.lists.get(source)
        unavailable_reason = self._cache.unavailable_reason is not None
        if stored is None:
            return self._shared(params, degraded=unavailable_reason)
        self.by_source[source] += 1
        self.degraded += unavailable_reason
        return _fields(
            stored,
            stored_lists.shown(stored, params.limit, shared.withdrawn, params.exclude),
            source,
            unavailable_reason,
        )

    def _shared(self, params: ListParams, degraded: bool) -> dict[str, Any]:
        """What all see. No list is known before the job has written one: then there are no items."""
        shared = self._cache.shared
        self.by_source[shared.source] += 1
        if shared.popular is None:
            return {
                "items": [], "source": shared.source, "degraded": degraded,
                "model_version": None, "generated_at": None,
            }  # fmt: skip
        items = stored_lists.shown(shared.popular, params.limit, shared.withdrawn, params.exclude)
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
