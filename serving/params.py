"""Parameters of a request: the parser of path and query, and its description for OpenAPI."""

import re
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from schemas.limits import MAX_NAME_LENGTH
from serving.errors import ApiError, ErrorCode
from serving.stored_lists import MAX_ITEMS

MAX_ID_LENGTH = MAX_NAME_LENGTH
MAX_CONTEXT_LENGTH = 500
MAX_EXCLUDED = 200
MAX_QUERY_BYTES = 60 * 1024
"""As it is sent. 200 ids of 200 ASCII characters fit, each in a parameter of its own: 41,800 bytes.

The path goes before it, and the parser of URLs takes 65,535 bytes for both.
"""
DEFAULT_LIMIT = 10

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PARAMETERS = (b"limit", b"context", b"exclude")


class ListParams(NamedTuple):
    """The query parameters of a list."""

    limit: int = DEFAULT_LIMIT
    context: str | None = None
    exclude: frozenset[str] = frozenset()


DEFAULT = ListParams()

QUERY_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "limit", "in": "query", "description": "the maximum number of items",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ITEMS, "default": DEFAULT_LIMIT},
    },
    {
        "name": "context", "in": "query", "description": "free text that is kept in the exposure",
        "schema": {"type": "string", "maxLength": MAX_CONTEXT_LENGTH}, "example": "home page",
    },
    {
        "name": "exclude", "in": "query",
        "description": f"items to leave out: repeat the parameter, separate ids by commas, or both; "
        f"{MAX_EXCLUDED} ids in all",
        "schema": {
            "type": "array", "maxItems": MAX_EXCLUDED,
            "items": {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH},
        },
        "example": ["i-1", "i-2"],
    },
]  # fmt: skip
"""What `parse` reads, as OpenAPI's Parameter Objects."""


def path_parameter(name: str, example: str) -> dict[str, Any]:
    """What `identifier` reads, as an OpenAPI Parameter Object."""
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


def identifier(raw: bytes, what: str) -> str:
    """The percent-encoded id of a path.

    Raises
    ------
    ApiError

    >>> identifier(b"%C3%A9%2F1", "user")
    'é/1'
    """
    found = _text(raw, what)
    if not 1 <= len(found) <= MAX_ID_LENGTH or _CONTROL.search(found):
        raise ApiError(ErrorCode.BAD_REQUEST, f"{what}: 1 to {MAX_ID_LENGTH} characters without control characters")
    return found


def parse(query: bytes) -> ListParams:
    """`limit`, `context`, `exclude`; other parameters are ignored.

    `exclude` may come several times, with commas, or both. An id with a comma counts as its parts, and is left out too.

    Raises
    ------
    ApiError

    >>> parse(b"limit=3&exclude=a&exclude=b").limit
    3
    >>> sorted(parse(b"exclude=a,b&exclude=c").exclude)
    ['a', 'a,b', 'b', 'c']
    """
    if not query:
        return DEFAULT
    if len(query) > MAX_QUERY_BYTES:
        raise ApiError(
            ErrorCode.URI_TOO_LONG,
            f"the query has {len(query):,} bytes, and {MAX_QUERY_BYTES:,} is the most: exclude fewer items",
        )
    given: dict[bytes, list[bytes]] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name in _PARAMETERS:
            given.setdefault(name, []).append(value)
    limit, context = _once(given, b"limit"), _once(given, b"context")
    return ListParams(
        limit=DEFAULT_LIMIT if limit is None else _limit(limit),
        context=None if context is None else _context(context),
        exclude=_excluded(given[b"exclude"]) if b"exclude" in given else frozenset(),
    )


def _once(given: dict[bytes, list[bytes]], name: bytes) -> bytes | None:
    values = given.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise ApiError(ErrorCode.BAD_REQUEST, f"{name.decode()}: only once")
    return values[0]


def _limit(raw: bytes) -> int:
    # bytes.isdigit: ASCII digits alone, where int() would also take "+1", "1_0" and " 1".
    limit = int(raw) if raw.isdigit() and len(raw) <= 3 else 0
    if not 1 <= limit <= MAX_ITEMS:
        raise ApiError(ErrorCode.BAD_REQUEST, f"limit: a whole number from 1 to {MAX_ITEMS}")
    return limit


def _context(raw: bytes) -> str | None:
    context = _text(raw.replace(b"+", b" "), "context")
    if len(context) > MAX_CONTEXT_LENGTH:
        raise ApiError(ErrorCode.BAD_REQUEST, f"context: at most {MAX_CONTEXT_LENGTH} characters")
    return context or None


def _excluded(values: list[bytes]) -> frozenset[str]:
    texts = [_text(value.replace(b"+", b" "), "exclude") for value in values]
    items = {item for text in texts for item in text.split(",") if item}
    if len(items) > MAX_EXCLUDED:
        raise ApiError(ErrorCode.BAD_REQUEST, f"exclude: {len(items)} items, and {MAX_EXCLUDED} is the most")
    if any(len(item) > MAX_ID_LENGTH for item in items):
        raise ApiError(ErrorCode.BAD_REQUEST, f"exclude: an id has over {MAX_ID_LENGTH} characters")
    # Not counted: nobody can tell a list from an id that has commas, so both are left out.
    return frozenset(items.union(text for text in texts if "," in text and len(text) <= MAX_ID_LENGTH))


def _text(raw: bytes, what: str) -> str:
    try:
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode()
    except UnicodeDecodeError:
        raise ApiError(ErrorCode.BAD_REQUEST, f"{what}: not UTF-8") from None
