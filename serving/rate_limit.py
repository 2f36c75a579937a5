"""Token buckets: how many requests a key may make.

Source: https://en.wikipedia.org/wiki/Token_bucket
"""


class RateLimit:
    """One bucket a key. `rate` tokens a second flow in, up to `burst`; a request takes one."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}
        """Tokens, and when they were counted. One entry a known key: strangers make none."""

    def wait_s(self, owner: str, now_s: float) -> float:
        """0 if the request may pass, which takes a token; else in how many seconds there is one.

        >>> limit = RateLimit(rate=2, burst=1)
        >>> limit.wait_s("shop", 0.0), limit.wait_s("shop", 0.0), limit.wait_s("shop", 0.5)
        (0.0, 0.5, 0.0)
        """
        tokens, at_s = self._buckets.get(owner, (self._burst, now_s))
        tokens = min(self._burst, tokens + (now_s - at_s) * self._rate)
        if tokens < 1.0:
            self._buckets[owner] = (tokens, now_s)
            return (1.0 - tokens) / self._rate
        self._buckets[owner] = (tokens - 1.0, now_s)
        return 0.0
