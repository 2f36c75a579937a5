"""Errors as RFC 9457 problem details: `application/problem+json`, with a type from a closed list.

ApiError    a request that the API refuses; raised and handled inside one instance only
"""

import math
from enum import StrEnum
from typing import NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"
"""A problem's type is this and its code: a URI reference that the API itself answers with an explanation."""


class ErrorCode(StrEnum):
    """What went wrong, for a program."""

    BAD_REQUEST = "bad_request"
    INVALID_API_KEY = "invalid_api_key"
    NOT_FOUND = "not_found"
    UNKNOWN_ALERT = "unknown_alert"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    CONTENT_TOO_LARGE = "content_too_large"
    URI_TOO_LONG = "uri_too_long"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    REDIS_UNAVAILABLE = "redis_unavailable"
    KAFKA_UNAVAILABLE = "kafka_unavailable"
    BAD_GATEWAY = "bad_gateway"
    NO_INSTANCE_AVAILABLE = "no_instance_available"
    GATEWAY_TIMEOUT = "gateway_timeout"

    @property
    def type(self) -> str:
        """The problem's type.

        >>> ErrorCode.KAFKA_UNAVAILABLE.type
        '/problems/kafka_unavailable'
        """
        return f"{TYPE_PREFIX}{self}"


FROM_HAPROXY = frozenset({ErrorCode.BAD_GATEWAY, ErrorCode.NO_INSTANCE_AVAILABLE, ErrorCode.GATEWAY_TIMEOUT})
"""HAProxy answers with these (its configuration repeats them, and a test compares); no instance raises them."""


class ProblemType(NamedTuple):
    """What all problems of one code have in common."""

    status: int
    title: str
    remedy: str
    """What the client can do about it."""


PROBLEM_TYPES = {
    ErrorCode.BAD_REQUEST: ProblemType(
        400, "Bad request", "Correct what `detail` names. An array of interactions is stored as a whole or not at all."
    ),
    ErrorCode.INVALID_API_KEY: ProblemType(
        401, "Missing or invalid API key", "Send a key of this service in the header X-API-Key."
    ),
    ErrorCode.NOT_FOUND: ProblemType(404, "Not found", "See /docs for the paths of this API."),
    ErrorCode.UNKNOWN_ALERT: ProblemType(
        404, "Unknown alert", "Copy device, metric and episode from GET /alerts, which has those of the last 30 days."
    ),
    ErrorCode.METHOD_NOT_ALLOWED: ProblemType(405, "Method not allowed", "Use a method that the header Allow lists."),
    ErrorCode.REQUEST_TIMEOUT: ProblemType(
        408, "Request timeout", "Send the whole request within 5 seconds of opening it."
    ),
    ErrorCode.CONTENT_TOO_LARGE: ProblemType(413, "Content too large", "Send fewer interactions in one request."),
    ErrorCode.URI_TOO_LONG: ProblemType(414, "URI too long", "Exclude fewer items."),
    ErrorCode.RATE_LIMITED: ProblemType(429, "Too many requests", "Wait as many seconds as Retry-After says."),
    ErrorCode.INTERNAL: ProblemType(
        500, "Internal error", "Report the request id: the instance has logged the cause under it."
    ),
    ErrorCode.REDIS_UNAVAILABLE: ProblemType(
        503, "Redis is unavailable", "Wait as many seconds as Retry-After says, then send the request again."
    ),
    ErrorCode.KAFKA_UNAVAILABLE: ProblemType(
        503,
        "Kafka is unavailable",
        "Wait as many seconds as Retry-After says, then send the request again. Give interactions the same event_time: "
        "a repeated interaction counts once.",
    ),
    ErrorCode.BAD_GATEWAY: ProblemType(
        502,
        "The instance ended before it answered",
        "Send the request again. Give interactions the same event_time: a repeated interaction counts once.",
    ),
    ErrorCode.NO_INSTANCE_AVAILABLE: ProblemType(
        503, "No instance is available", "Wait as many seconds as Retry-After says, then send the request again."
    ),
    ErrorCode.GATEWAY_TIMEOUT: ProblemType(
        504,
        "The instance did not answer in time",
        "Send the request again. Give interactions the same event_time: a repeated interaction counts once.",
    ),
}


class Problem(BaseModel):
    """Problem details (RFC 9457): the form of every error."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "type": ErrorCode.BAD_REQUEST.type, "title": PROBLEM_TYPES[ErrorCode.BAD_REQUEST].title, "status": 400,
        "detail": "limit: a whole number from 1 to 50", "instance": "6f0c5d0f3b5e4c0e8a1f2b3c4d5e6f70",
    }]})  # fmt: skip

    type: str = Field(
        json_schema_extra={"enum": [code.type for code in ErrorCode], "format": "uri-reference"},
        description="which problem it is, for a program; GET it for an explanation",
    )
    title: str = Field(description="of the type, always the same")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong with this request, for a person")
    instance: str | None = Field(
        None, description="the request id, as in the header X-Request-ID; absent where HAProxy answers itself"
    )


class ApiError(Exception):
    """Raised for a request that the API refuses; `detail` says what is wrong and what to do. Inside an instance only.

    Transient or terminal by its status.
    """

    def __init__(self, code: ErrorCode, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s

    def response(self, request_id: str) -> Response:
        """Problem details. `Retry-After` is in whole seconds (RFC 9110, 10.2.3), and never 0."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        if self.code is ErrorCode.INVALID_API_KEY:
            headers["WWW-Authenticate"] = 'ApiKey realm="headrace"'
        return Response(self._body(request_id), PROBLEM_TYPES[self.code].status, headers, media_type=MEDIA_TYPE)

    def _body(self, request_id: str) -> bytes:
        status, title, _ = PROBLEM_TYPES[self.code]
        return orjson.dumps({
            "type": self.code.type, "title": title, "status": status, "detail": self.detail, "instance": request_id,
        })  # fmt: skip


def explanation(code: ErrorCode) -> str:
    """What the API answers for a problem's type: a few lines of Markdown for a person."""
    status, title, remedy = PROBLEM_TYPES[code]
    return f"# {title}\n\n`{code.type}`, HTTP status {status}\n\n{remedy}\n"
