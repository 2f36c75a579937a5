"""Answers requests for lists: the fallback ladder, and the exposure that records what was shown."""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from connectors.stores import StoreUnavailable
from schemas.experiment import DEFAULT_LIST
from serving import stored_lists
from serving.assignment import ExperimentAssigner
from serving.cache import RecommendationCache
from serving.exposure_producer import ExposureProducer
from serving.params import ListParams


class Wanted(NamedTuple):
    """The first rung of the ladder: a list of Redis by its key, or without a key one of the lists for everybody."""

    source: str
    key: str | None = None


class RecommendationService:
    """Every list carries its source; one that stands in for another during an outage of Redis is `degraded`."""

    def __init__(
        self,
        cache: RecommendationCache,
        exposures: ExposureProducer,
        assigner: ExperimentAssigner,
        pseudonym_of: Callable[[str], str],
    ) -> None:
        self._cache = cache
        self._pseudonym_of = pseudonym_of
        self._assigner = assigner
        self._exposures = exposures
        self.by_source = dict.fromkeys(("personal", "similar", "popular", "trending", "none"), 0)
        self.degraded = 0

    async def for_user(self, user: str, params: ListParams) -> bytes:
        """JSON of a user's recommendations; also records the exposure."""
        pseudonym = self._pseudonym_of(user)
        list_name, arm = self._assigner.assign(pseudonym)
        own = Wanted("personal", stored_lists.of_user(pseudonym))
        answer = await self._first_available(own if list_name == DEFAULT_LIST else Wanted(list_name), params)
        exposure_id = os.urandom(16).hex()
        self._record(exposure_id, pseudonym, answer, arm, params.context)
        return orjson.dumps({"user": user, "exposure_id": exposure_id, **answer})

    async def for_item(self, item: str, params: ListParams) -> bytes:
        """JSON of similar items. There is no exposure: nobody knows which user asks."""
        params = params._replace(exclude=params.exclude | {item})
        answer = await self._first_available(Wanted("similar", stored_lists.similar_to(item)), params)
        return orjson.dumps({"item": item, **answer})

    async def _first_available(self, wanted: Wanted, params: ListParams) -> dict[str, Any]:
        """The fallback ladder: the wanted list, else `popular`, else `trending`, else no items (`none`).

        A list of its own key is passed over if there is none, if the value is no list (which is counted), and if Redis
        is unavailable, which makes the answer `degraded`. A list for everybody is `degraded` during an outage too.
        """
        value, degraded = None, False
        if wanted.key is None:
            degraded = self._cache.unavailable_reason is not None
        else:
            try:
                value = await self._cache.get(wanted.key)
            except StoreUnavailable:
                degraded = True
        self.degraded += degraded
        if value is not None:
            try:
                return self._answer(wanted.source, stored_lists.read(value), degraded, params)
            except stored_lists.Unreadable:
                self._cache.unreadable += 1
        for source in (wanted.source, "popular", "trending"):
            if (stored := self._cache.shared.lists.get(source)) is not None:
                return self._answer(source, stored, degraded, params)
        return self._answer("none", stored_lists.EMPTY, degraded, params)

    def _answer(
        self, source: str, stored: stored_lists.StoredList, degraded: bool, params: ListParams
    ) -> dict[str, Any]:
        """What is shown of one list.

        Raises
        ------
        Unreadable
        """
        items = stored_lists.shown(stored, params.limit, self._cache.shared.withdrawn, params.exclude)
        self.by_source[source] += 1
        return {
            "items": items,
            "source": source,
            "degraded": degraded,
            "model_version": stored.model_version,
            "generated_at": stored.generated_at,
        }

    def _record(
        self, exposure_id: str, user: str, answer: dict[str, Any], arm: str | None, context: str | None
    ) -> None:
        # As schemas.exposure.Exposure writes it; a test reads it back. Building the record first costs 4 us more.
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
