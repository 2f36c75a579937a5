"""What an error looks like: `{"error": CODE, "message": TEXT}`, with a code from a closed list."""

import math
from enum import StrEnum

import orjson

from serving.response import Response


class ErrorCode(StrEnum):
    """What went wrong, for a program."""

    BAD_REQUEST = "bad_request"
    INVALID_API_KEY = "unknown_key"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "too_slow"
    TOO_LARGE = "too_large"
    URI_TOO_LONG = "uri_too_long"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    NOT_READY = "not_ready"
    KAFKA_UNAVAILABLE = "kafka_away"
    REDIS_AWAY = "redis_away"


STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.INVALID_API_KEY: 401,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.REQUEST_TIMEOUT: 408,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.URI_TOO_LONG: 414,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.NOT_READY: 503,
    ErrorCode.KAFKA_UNAVAILABLE: 503,
    ErrorCode.REDIS_AWAY: 503,
}


class ApiError(Exception):
    """A request that cannot be answered; `message` says what to do next. Raised inside an instance only."""

    def __init__(self, code: ErrorCode, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        """As the client sees it. `Retry-After` is in whole seconds (RFC 9110, 10.2.3), and never 0."""
        headers = (
            [] if self.retry_after_s is None else [(b"retry-after", b"%d" % max(1, math.ceil(self.retry_after_s)))]
        )
        if self.code is ErrorCode.INVALID_API_KEY:
            headers.append((b"www-authenticate", b'ApiKey realm="headrace"'))
        body = orjson.dumps({"error": self.code, "message": self.message})
        return Response(STATUS[self.code], body, tuple(headers))
