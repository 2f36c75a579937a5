"""The ids of persons in a JSON document, by field, at any depth."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from headrace.privacy.personal_fields import PERSONAL_FIELDS, normalised
from schemas.errors import TerminalError

COLUMN_NAMES = ("name", "column", "field", "key")
"""An object may describe a field instead of having it: {"name": "customer_id", "categories": ["17"]}."""
COLUMN_VALUES = ("values", "categories")


class JsonObject(list[tuple[str, Any]]):
    """Names and values of a JSON object. A name may be there twice, and each of its values counts."""


class NotJson(TerminalError, ValueError):
    """Raised for bytes that are not one JSON document. Terminal: they stay what they are."""


def parse(data: bytes | str) -> Any:
    """The document with each number as the text that it is: 17 is the id `17`, and 17.0 is another.

    Raises
    ------
    NotJson
    """
    try:
        return json.loads(
            data, object_pairs_hook=JsonObject, parse_int=str, parse_float=str, parse_constant=str, strict=False
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def ids_in(document: Any, fields: Collection[str] = PERSONAL_FIELDS) -> Iterator[str]:
    """Every id that a parsed document has in one of the fields.

    >>> list(ids_in(parse(b'{"user": 17, "tenure": 18, "context": {"owner": "u-1"}}')))
    ['17', 'u-1']
    >>> list(ids_in(parse(b'{"users": ["17"], "customers": 3, "customer": {"id": "c", "age": 4}}')))
    ['17', 'c']
    """
    pending = [document]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            pending += _nested(part)
        elif isinstance(part, JsonObject):
            for name, value in part:
                yield from _ids_of(normalised(name), value, fields)
            yield from _described(part, fields)
            # An id is an id, also one that looks like JSON.
            pending += reversed([value for name, value in part if not (_is_text(value) and normalised(name) in fields)])
        elif isinstance(part, list):
            pending += reversed(part)


def _ids_of(name: str, value: Any, fields: Collection[str]) -> Iterator[str]:
    if name in fields:
        yield from _scalars(value)
    elif name.removesuffix("s") in fields and isinstance(value, list):  # `customers: 17` is a count
        yield from _scalars(value)
        if isinstance(value, JsonObject):
            yield from (key for key, _ in value)


def _scalars(value: Any) -> Iterator[str]:
    """Of a field's value: itself, the elements of an array, the `id` of an object."""
    if isinstance(value, JsonObject):
        yield from (text for name, each in value if normalised(name) == "id" for text in _scalars(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _scalars(each))
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, str):
        yield value


def _described(part: JsonObject, fields: Collection[str]) -> Iterator[str]:
    if any(name in COLUMN_NAMES and isinstance(value, str) and normalised(value) in fields for name, value in part):
        yield from (text for name, value in part if name in COLUMN_VALUES for text in _scalars(value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _nested(text: str) -> list[Any]:
    """JSON that stands as a text in JSON, such as a jsonb column of a row."""
    if not text.lstrip().startswith(("{", "[")):
        return []
    try:
        return [parse(text)]
    except NotJson:
        return []
