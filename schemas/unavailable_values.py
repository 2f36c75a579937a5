"""Values of a captured row that PostgreSQL's log did not hold.

An update that leaves a large value alone logs it only under REPLICA IDENTITY FULL. For any other identity Debezium
reads the value again, and puts a placeholder where it cannot: the row is gone by then, or it is an array of uuid. A
placeholder is no value, so every reader of a captured topic removes such columns before it looks at the row.

https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-toasted-values
"""

import base64
import hashlib
import uuid
from typing import Any

import orjson

PLACEHOLDER = "__headrace_unavailable_value"
"""Not Debezium's own: what a company's other connectors write into its tables is text like any other."""

_BYTES = PLACEHOLDER.encode()
_BASE64 = base64.b64encode(_BYTES).decode()
# java.util.UUID.nameUUIDFromBytes
_UUID = str(uuid.UUID(bytes=hashlib.md5(_BYTES).digest(), version=3))  # noqa: S324  # names it, protects nothing
_JSON = f'{{"{PLACEHOLDER}":"{PLACEHOLDER}"}}'
_SCALARS = frozenset({PLACEHOLDER, _BASE64, _JSON})
_ELEMENTS = frozenset({PLACEHOLDER, _BASE64, _UUID})
_INTEGERS = list(_BYTES)
_FORMS = tuple(form.encode() for form in (PLACEHOLDER, _BASE64, _UUID, ",".join(map(str, _INTEGERS))))


def is_unavailable(value: Any) -> bool:
    """Whether a value of a column is the placeholder, in whichever form its type has.

    >>> is_unavailable("__headrace_unavailable_value"), is_unavailable(["__headrace_unavailable_value"])
    (True, True)
    >>> is_unavailable("not __headrace_unavailable_value")
    False
    """
    if type(value) is str:
        return value in _SCALARS
    if type(value) is not list or not value:
        return False
    return value == _INTEGERS or (len(value) == 1 and type(value[0]) is str and value[0] in _ELEMENTS)


def mentions_unavailable(text: bytes) -> bool:
    """Whether JSON, of one row or of many, may have such a value: quick to say, where almost none has."""
    return any(form in text for form in _FORMS)


def without_unavailable(row: dict[str, Any]) -> dict[str, Any]:
    """The columns that are known."""
    return {name: value for name, value in row.items() if not is_unavailable(value)}


def known_columns(row: bytes) -> bytes:
    """The JSON of a row without the columns that are unavailable. What is no JSON object stays as it is."""
    if not mentions_unavailable(row):
        return row
    try:
        columns = orjson.loads(row)
    except orjson.JSONDecodeError:
        return row
    return orjson.dumps(without_unavailable(columns)) if type(columns) is dict else row
