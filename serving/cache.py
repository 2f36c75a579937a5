"""What an instance knows of Redis: lists that were just read, the popular ones, and what may not be shown.

Nothing is used that was asked for longer than `stale_after_ms` ago, but for one case: while Redis is away the last
popular list and the last known withdrawn items stand in.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from redis.exceptions import RedisError

from connectors.stores import StoreUnavailable
from serving import stored_lists

log = logging.getLogger(__name__)

MAX_CACHED = 10_000
"""Values of one generation, about 1 kB each; two generations are kept."""


class Reads(Protocol):
    """BatchedReads, or what stands for it in a test."""

    def get(self, key: str) -> Awaitable[bytes | None]: ...


class Shared(NamedTuple):
    """What all users see alike."""

    withdrawn: frozenset[str]
    popular: stored_lists.StoredList | None
    source: str
    """`popular` or `trending`."""
    lists: Mapping[str, stored_lists.StoredList]
    """Both, by source; one that is not there, or empty, is left out."""


NOTHING = Shared(frozenset(), None, "none", {})


class RecommendationCache:
    """Belongs to one event loop. `refresh` must be called again and again (`run` does)."""

    def __init__(
        self, reads: Reads, ask_shared: Callable[[], Awaitable[tuple[set[bytes], bytes | None, bytes | None]]],
        stale_after_ms: int, now: Callable[[], float],
    ) -> None:  # fmt: skip
        self._reads = reads
        self._ask_shared = ask_shared
        self._stale_after_s = stale_after_ms / 1000
        self._now = now
        self._shared_at = float("-inf")
        # Two generations: the older one goes as a whole, so that the memory of a burst is given back.
        self._newer: dict[str, tuple[float, bytes | None]] = {}
        self._older: dict[str, tuple[float, bytes | None]] = {}
        self._withdrawn: set[bytes] = set()
        self._hidden: frozenset[str] = frozenset()
        self.shared = NOTHING
        self.unavailable_reason: str | None = "not asked yet"
        """Why Redis cannot be used; None if it can."""
        self.ready = False
        """Whether Redis has ever answered."""
        self.hits = self.misses = self.failures = self.unreadable = 0

    async def get(self, key: str) -> bytes | None:
        """The value of a key, at most `stale_after_ms` old.

        Raises StoreUnavailable if Redis does not answer, and at once if it has not since the last look.
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
        except StoreUnavailable as unavailable_reason:
            self._lost(str(unavailable_reason))
            raise
        if len(self._newer) < MAX_CACHED:
            self._newer[key] = (asked_at, value)
        return value

    @property
    def shared_age_s(self) -> float:
        """How old `shared` is."""
        return self._now() - self._shared_at

    async def refresh(self) -> None:
        """Read what all users see alike; this also finds out whether Redis is there."""
        self._older, self._newer = self._newer, {}
        asked_at = self._now()
        try:
            withdrawn, popular, trending = await self._ask_shared()
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(str(error) or type(error).__name__)
            return
        self._shared_at = asked_at
        self.shared = self._shared_of(withdrawn, popular, trending)
        if self.unavailable_reason is not None:
            log.info("Redis answers.")
        self.unavailable_reason, self.ready = None, True

    async def run(self) -> None:
        """Twice in the time that an answer may be old, so that even a slow look comes in time."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._stale_after_s / 2)

    def _lost(self, why: str) -> None:
        if self.unavailable_reason is None:
            log.warning("Redis is away: %s. Popular lists stand in.", why)
        self.failures += 1
        self.unavailable_reason = why

    def _shared_of(self, withdrawn: set[bytes], popular: bytes | None, trending: bytes | None) -> Shared:
        if withdrawn != self._withdrawn:  # seldom: names are made anew only then
            self._withdrawn = withdrawn
            self._hidden = frozenset(item.decode(errors="replace") for item in withdrawn)
        found = {"popular": self._readable(popular), "trending": self._readable(trending)}
        known = {source: each for source, each in found.items() if each is not None and each.items}
        source = next(iter(known), "none")
        return Shared(self._hidden, known.get(source), source, known)

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


def ask_shared_of(
    client: object, timeout_ms: int
) -> Callable[[], Awaitable[tuple[set[bytes], bytes | None, bytes | None]]]:
    """One round trip for all three: withdrawn items, the popular list, the trending one."""

    async def ask() -> tuple[set[bytes], bytes | None, bytes | None]:
        async with asyncio.timeout(timeout_ms / 1000):
            pipeline = client.pipeline(transaction=False)  # type: ignore[attr-defined]
            pipeline.smembers(stored_lists.WITHDRAWN).get(stored_lists.POPULAR).get(stored_lists.TRENDING)
            withdrawn, popular, trending = await pipeline.execute()
        return withdrawn, popular, trending

    return ask
