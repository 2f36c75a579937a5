"""What an error looks like: `{"error": CODE, "message": TEXT}`, with a code from a closed list."""

import math
from enum import StrEnum

import orjson

from serving.response import Response


class Code(StrEnum):
    """What went wrong, for a program."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_KEY = "unknown_key"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    URI_TOO_LONG = "uri_too_long"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    NOT_READY = "not_ready"
    KAFKA_AWAY = "kafka_away"
    REDIS_AWAY = "redis_away"


STATUS = {
    Code.BAD_REQUEST: 400,
    Code.UNKNOWN_KEY: 401,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.TOO_SLOW: 408,
    Code.TOO_LARGE: 413,
    Code.URI_TOO_LONG: 414,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.NOT_READY: 503,
    Code.KAFKA_AWAY: 503,
    Code.REDIS_AWAY: 503,
}


class Problem(Exception):
    """A request that cannot be answered; `message` says what to do next. Raised inside an instance only."""

    def __init__(self, code: Code, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        """As the client sees it. `Retry-After` is in whole seconds (RFC 9110, 10.2.3), and never 0."""
        headers = (
            [] if self.retry_after_s is None else [(b"retry-after", b"%d" % max(1, math.ceil(self.retry_after_s)))]
        )
        if self.code is Code.UNKNOWN_KEY:
            headers.append((b"www-authenticate", b'ApiKey realm="headrace"'))
        body = orjson.dumps({"error": self.code, "message": self.message})
        return Response(STATUS[self.code], body, tuple(headers))
