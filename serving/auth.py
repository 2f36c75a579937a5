"""Who may ask, and how often."""

from collections.abc import Callable, Iterable

from serving.api_keys import ApiKeys
from serving.errors import ApiError, ErrorCode
from serving.rate_limit import RateLimit
from serving.response import Header

HEADER = b"x-api-key"


class Authenticator:
    """One for all paths that want a key. `keys` may be replaced at any time."""

    def __init__(self, keys: ApiKeys, limit: RateLimit, now: Callable[[], float]) -> None:
        self.keys = keys
        self._limit = limit
        self._now = now

    def authorize(self, headers: Iterable[Header]) -> str:
        """Whose request it is. Raises Problem: a wrong key, or too many requests of a right one."""
        presented = None
        for name, value in headers:
            if name == HEADER:
                presented = value
                break
        owner = self.keys.owner(presented)
        if owner is None:
            raise ApiError(ErrorCode.INVALID_API_KEY, "the header X-API-Key holds no key of this service")
        wait_s = self._limit.wait_s(owner, self._now())
        if wait_s:
            raise ApiError(ErrorCode.RATE_LIMITED, "too many requests of this key: see Retry-After", wait_s)
        return owner
