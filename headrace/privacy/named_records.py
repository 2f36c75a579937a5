"""Which ids a record of a topic names: by its key, its value's personal fields, or the payload of a dead letter."""

import base64
import binascii
from collections.abc import Collection, Iterator
from typing import Any

from headrace.privacy.json_ids import JsonObject, NotJson, ids_in, parse
from headrace.privacy.personal_fields import KEYED_BY_PERSON, PERSONAL_FIELDS, ROW_FIELDS, fields_of, normalised
from headrace.privacy.text_ids import TextSearch, may_hold, texts_of
from schemas.topics import DEAD_LETTERS, TOPICS, Topic

_KEY_COLUMNS = {topic.name: topic.key for topic in TOPICS if topic.name in ROW_FIELDS}


class NamedRecords:
    """Answers for the records of one topic.

    `searched_as_text` counts values and payloads that are not JSON and may hold one of the ids.
    """

    def __init__(self, topic: Topic, ids: Collection[str]) -> None:
        self._topic = topic
        self._ids = frozenset(ids)
        self.searched_as_text = 0

    def ids_named_by(self, key: bytes, value: bytes) -> set[str]:
        """Those of the ids that the record names."""
        named = {id_ for id_ in self._ids if self._topic.name in KEYED_BY_PERSON and key == id_.encode()}
        if not value:
            return named
        if self._topic is DEAD_LETTERS:
            return named | self._in_letter(value)
        return named | self._in_bytes(value, fields_of(self._topic))

    def _in_letter(self, value: bytes) -> set[str]:
        try:
            letter = dict(_object(parse(value)))
        except NotJson:
            return self._in_bytes(value, PERSONAL_FIELDS)
        source = _source_of(letter)
        named = {_decoded(text).decode("utf-8", "replace") for text in ids_in(letter.get("headers"))}
        if source in KEYED_BY_PERSON and isinstance(key := letter.get("device"), str):
            named.add(key)
        named &= self._ids
        if isinstance(detail := letter.get("detail"), str):
            named |= self._found_in_text(detail.encode("utf-8", "surrogatepass"), PERSONAL_FIELDS)
        if isinstance(original := letter.get("original"), str):
            named |= self._in_payload(_decoded(original), source)
        return named

    def _in_payload(self, payload: bytes, source: str) -> set[str]:
        """A row of a table has the table's fields; what was refused for being none may have any."""
        return self._in_bytes(payload, ROW_FIELDS[source] if _is_row(payload, source) else PERSONAL_FIELDS)

    def _in_bytes(self, data: bytes, fields: Collection[str]) -> set[str]:
        if not any(may_hold(data, id_) for id_ in self._ids):
            return set()
        try:
            return set(self._ids.intersection(ids_in(parse(data), fields)))
        except NotJson:
            self.searched_as_text += 1
            return self._found_in_text(data, fields)

    def _found_in_text(self, data: bytes, fields: Collection[str]) -> set[str]:
        asked = [id_ for id_ in self._ids if may_hold(data, id_)]
        texts = list(texts_of(data)) if asked else []
        return {id_ for id_ in asked if any(map(TextSearch(id_, fields).finds, texts))}


def is_deleted(value: bytes) -> bool:
    """Whether a row of change capture says that it is deleted; so does Debezium's envelope, by `op`."""
    try:
        row = dict(_object(parse(value)))
    except NotJson:
        return False
    payload = dict(_object(row.get("payload"))) or row
    return row.get("__deleted") in ("true", True) or (payload.get("op") == "d" and "before" in payload)


def _is_row(payload: bytes, source: str) -> bool:
    if source not in ROW_FIELDS:
        return False
    try:
        return any(name == _KEY_COLUMNS[source] for name, _ in _object(parse(payload)))
    except NotJson:
        return False


def _object(document: Any) -> Iterator[tuple[str, Any]]:
    """Names and values, none of what is no object."""
    yield from document if isinstance(document, JsonObject) else ()


def _source_of(letter: dict[str, Any]) -> str:
    """The topic in which the refused record stands."""
    return next((str(value) for name, value in _object(letter.get("position")) if normalised(name) == "topic"), "")


def _decoded(text: str) -> bytes:
    """Of base64, in either alphabet, as JSON has bytes; what is none was written by somebody else and stays."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")
