"""Cache of Redis: the lists that were just read, the lists for everybody, and the withdrawn items.

A value is never used later than `stale_after_ms` after it was requested, with one exception: during an outage of
Redis the last popular list and the last known withdrawn items stand in.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

import redis.asyncio

from connectors.redis.clients import translated
from connectors.stores import StoreError, StoreUnavailable
from serving import stored_lists

log = logging.getLogger(__name__)

MAX_CACHED_VALUES = 10_000
"""Values of one generation, about 1 kB each; two generations are kept."""


class Reads(Protocol):
    """BatchedReads, or a fake in a test."""

    def get(self, key: str) -> Awaitable[bytes | None]: ...


class Shared(NamedTuple):
    """What is the same for all users."""

    withdrawn: frozenset[str]
    lists: Mapping[str, stored_lists.StoredList]
    """The lists for everybody by source, `popular` and `trending`; missing and empty ones are left out."""


FetchShared = Callable[[], Awaitable[tuple[set[bytes], bytes | None, bytes | None]]]
"""Reads the withdrawn items, the popular list and the trending one."""


class RecommendationCache:
    """Belongs to one event loop. `refresh` must be called periodically (`run` does)."""

    def __init__(self, reads: Reads, fetch_shared: FetchShared, stale_after_ms: int, now: Callable[[], float]) -> None:
        self._reads = reads
        self._fetch_shared = fetch_shared
        self._stale_after_s = stale_after_ms / 1000
        self._now = now
        self._shared_at = float("-inf")
        # Two generations: the older one is dropped as a whole, so that the memory of a burst is freed.
        self._newer: dict[str, tuple[float, bytes | None]] = {}
        self._older: dict[str, tuple[float, bytes | None]] = {}
        self._withdrawn: set[bytes] = set()
        self._hidden: frozenset[str] = frozenset()
        self.shared = Shared(frozenset(), {})
        self.unavailable_reason: str | None = "no request yet"
        """Why Redis cannot be used; None if it can."""
        self.ready = False
        """Whether Redis has ever answered."""
        self.hits = self.misses = self.failures = self.unreadable = 0

    async def get(self, key: str) -> bytes | None:
        """The value of a key, at most `stale_after_ms` old.

        Raises StoreUnavailable if Redis does not answer; at once, if it has failed since the last refresh.
        """
        asked_at = self._now()
        kept = self._newer.get(key) or self._older.get(key)
        if kept is not None and asked_at - kept[0] < self._stale_after_s:
            self.hits += 1
            return kept[1]
        if self.unavailable_reason is not None:
            raise StoreUnavailable(self.unavailable_reason)
        self.misses += 1
        try:
            value = await self._reads.get(key)
        except StoreUnavailable as error:
            self._mark_unavailable(str(error))
            raise
        if len(self._newer) < MAX_CACHED_VALUES:
            self._newer[key] = (asked_at, value)
        return value

    @property
    def shared_age_s(self) -> float:
        """The age of `shared`."""
        return self._now() - self._shared_at

    async def refresh(self) -> None:
        """Read what is the same for all users. This also detects whether Redis is available."""
        self._older, self._newer = self._newer, {}
        asked_at = self._now()
        try:
            with translated():
                withdrawn, popular, trending = await self._fetch_shared()
        except StoreError as error:
            self._mark_unavailable(str(error))
            return
        self._shared_at = asked_at
        self.shared = self._shared_of(withdrawn, popular, trending)
        if self.unavailable_reason is not None:
            log.info("Redis is available.")
        self.unavailable_reason, self.ready = None, True

    async def run(self) -> None:
        """Refresh twice per `stale_after_ms`, so that even a slow refresh is in time."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._stale_after_s / 2)

    def _mark_unavailable(self, reason: str) -> None:
        if self.unavailable_reason is None:
            log.warning("Redis is unavailable, answering with the last popular list: %s", reason)
        self.failures += 1
        self.unavailable_reason = reason

    def _shared_of(self, withdrawn: set[bytes], popular: bytes | None, trending: bytes | None) -> Shared:
        if withdrawn != self._withdrawn:  # seldom: the names are decoded only then
            self._withdrawn = withdrawn
            self._hidden = frozenset(item.decode(errors="replace") for item in withdrawn)
        found = {"popular": self._readable(popular), "trending": self._readable(trending)}
        known = {source: each for source, each in found.items() if each is not None and each.items}
        return Shared(self._hidden, known)

    def _readable(self, value: bytes | None) -> stored_lists.StoredList | None:
        if value is None:
            return None
        try:
            found = stored_lists.read(value)
            stored_lists.shown(found, len(found.items), frozenset(), frozenset())
        except stored_lists.Unreadable:
            self.unreadable += 1
            return None
        return found


def shared_fetcher(client: "redis.asyncio.Redis", timeout_ms: int) -> FetchShared:
    """All three in one round trip."""

    async def fetch() -> tuple[set[bytes], bytes | None, bytes | None]:
        async with asyncio.timeout(timeout_ms / 1000):
            pipeline = client.pipeline(transaction=False)
            pipeline.smembers(stored_lists.WITHDRAWN)
            pipeline.get(stored_lists.POPULAR)
            pipeline.get(stored_lists.TRENDING)
            withdrawn, popular, trending = await pipeline.execute()
        return withdrawn, popular, trending

    return fetch
