"""Redis: lists of recommendations, moved only forward by their own time, and which items may not be shown.

The keys RECOMMENDATIONS, SIMILAR, POPULAR_ITEMS and TRENDING_ITEMS of schemas/redis_keys.py, each a text: a JSON object
whose last field is `"generated_at"`, in ms. WITHDRAWN_ITEMS, a set of items.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import redis

from connectors.endpoints import Endpoints
from connectors.redis.clients import answers_of, client_of
from connectors.retries import DEFAULT_RETRIES, Retries
from connectors.stores import StoreUnavailable
from schemas.redis_keys import RECOMMENDATIONS, WITHDRAWN_ITEMS

LISTS_A_CALL = 100
"""While a script runs, Redis serves nobody else: 100 lists take it less than a millisecond."""

# A text ends in `:1719800000123}`: 13 digits from 2001 to 2286. Of equal times the later call wins. What ends
# otherwise, or is no text, is not ours and is written over. What cannot be read is left as it is.
_MOVE_FORWARD = """
for number, key in ipairs(KEYS) do
  local time, body = ARGV[2 * number], ARGV[2 * number + 1]
  local current = redis.pcall('GETRANGE', key, -14, -2)
  if type(current) == 'table' and not string.find(current.err, '^%-?WRONGTYPE ') then return current end
  local is_ours = type(current) == 'string' and #current == 13 and string.match(current, '^%d+$')
  if not is_ours or current <= time then
    redis.call('SET', key, body, 'EX', ARGV[1])
  end
end
return #KEYS
"""


class WrittenList(Protocol):
    """A list: its key, its JSON, and the time by which it moves forward, in ms."""

    @property
    def key(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def generated_at(self) -> int: ...


class RedisLists:
    """Writes lists in one round trip a batch. Raises StoreUnavailable when `retries` give up."""

    def __init__(self, client: "redis.Redis", lifetime_s: int, retries: Retries = DEFAULT_RETRIES) -> None:
        self._client = client
        self._lifetime_s = lifetime_s
        self._retries = retries
        self._script = client.register_script(_MOVE_FORWARD)

    @classmethod
    def connect(cls, endpoints: Endpoints, lifetime_s: int) -> "RedisLists":
        """For the Redis of `endpoints`. Opens no connection yet."""
        return cls(client_of(endpoints), lifetime_s)

    def write(self, lists: Sequence[WrittenList], offered: Mapping[str, bool], forgotten: Sequence[str] = ()) -> None:
        """Lists, items that may be shown from now on (True) or may not (False), and users whose lists go."""
        if lists or offered or forgotten:
            self._retries.call(lambda: self._send(lists, offered, forgotten))

    def _send(self, lists: Sequence[WrittenList], offered: Mapping[str, bool], forgotten: Sequence[str]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        # First, for readers who ask in between.
        for command, available in ((pipeline.sadd, False), (pipeline.srem, True)):
            items = [item for item, is_available in offered.items() if is_available is available]
            if items:
                command(WITHDRAWN_ITEMS.name, *items)
        for start in range(0, len(lists), LISTS_A_CALL):
            some = lists[start : start + LISTS_A_CALL]
            arguments: list[bytes | int] = [self._lifetime_s]
            for each in some:
                arguments += (each.generated_at, each.body)
            self._script(keys=[each.key for each in some], args=arguments, client=pipeline)
        if forgotten:
            pipeline.delete(*(RECOMMENDATIONS.key(user) for user in forgotten))
        for answer in answers_of(pipeline):
            if isinstance(answer, Exception):
                raise StoreUnavailable(f"Redis refuses a list ({answer})") from answer
