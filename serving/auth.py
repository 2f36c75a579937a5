"""Authentication by API key, and the rate limit of each key."""

from collections.abc import Callable, Iterable

from serving.api_keys import ApiKeys
from serving.errors import ApiError, ErrorCode
from serving.rate_limit import RateLimit

HEADER = b"x-api-key"
Header = tuple[bytes, bytes]


class Authenticator:
    """One for all routes that need a key. `keys` may be replaced at any time."""

    def __init__(self, keys: ApiKeys, limit: RateLimit, now: Callable[[], float]) -> None:
        self.keys = keys
        self._limit = limit
        self._now = now

    def authorize(self, headers: Iterable[Header]) -> str:
        """The owner of the key.

        Raises
        ------
        ApiError
            For an invalid key, and for too many requests with a valid one.
        """
        presented = None
        for name, value in headers:
            if name == HEADER:
                presented = value
                break
        owner = self.keys.owner(presented)
        if owner is None:
            raise ApiError(ErrorCode.INVALID_API_KEY, "the header X-API-Key is missing or has no key of this service")
        wait_s = self._limit.wait_s(owner, self._now())
        if wait_s:
            raise ApiError(
                ErrorCode.RATE_LIMITED,
                "too many requests with this key: wait as Retry-After says",
                wait_s,
            )
        return owner
