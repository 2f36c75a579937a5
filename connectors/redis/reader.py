"""Reads of Redis for an asyncio server: what is asked for at the same time goes as one MGET.

While one MGET is under way, further keys gather for the next. A lone key waits for nobody; under load a round trip is
shared by as many as came meanwhile, which is what makes it cheap: 44 us of CPU for one key, 3 us for each of 25.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from connectors.redis.clients import translated
from connectors.stores import StoreError, StoreUnavailable


class Commands(Protocol):
    """What is used of redis.asyncio.Redis; the network comes through the constructor."""

    def mget(self, keys: Sequence[str]) -> Awaitable[list[bytes | None]]: ...


class BatchedReads:
    """`get` of many callers as few MGETs. One a connection at a time; belongs to one event loop."""

    MAX_KEYS = 256
    """Of one MGET: bounds how long Redis is busy with it."""

    def __init__(self, commands: Commands, timeout_ms: int) -> None:
        self._commands = commands
        self._timeout_s = timeout_ms / 1000
        self._waiting: dict[str, asyncio.Future[bytes | None]] = {}
        self._turn: asyncio.Task[None] | None = None
        self.round_trips = 0

    async def get(self, key: str) -> bytes | None:
        """The value, None without one.

        Raises
        ------
        StoreUnavailable
            If Redis does not answer in time, or answers with an error.
        """
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._turn is None:
                self._turn = asyncio.create_task(self._read())
        # Shielded: the future is shared, and a client that hangs up cancels only its own wait.
        return await asyncio.shield(future)

    async def _read(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[: self.MAX_KEYS]
                await self._read_together({key: self._waiting.pop(key) for key in keys})
        finally:
            self._turn = None

    async def _read_together(self, asked: dict[str, "asyncio.Future[bytes | None]"]) -> None:
        self.round_trips += 1
        try:
            with translated():
                async with asyncio.timeout(self._timeout_s):
                    values = await self._commands.mget(list(asked))
        except StoreError as error:
            for future in asked.values():
                future.set_exception(StoreUnavailable(str(error)))
                future.exception()  # looked at: nobody may wait for it any more
            return
        except BaseException:  # a fault of ours, or the end: nobody may wait for ever
            for future in asked.values():
                future.cancel()
            raise
        for future, value in zip(asked.values(), values, strict=True):
            future.set_result(value)
