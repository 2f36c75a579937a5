"""The attributes of a CloudEvent in binary mode, as the Kafka headers `ce_...` and `content-type`.

MQTT 5 has them as user properties without a prefix (MQTT binding, section 3.1), HTTP as fields `ce-...` whose values
are percent-encoded (HTTP binding, section 3.1.3), Kafka as headers (Kafka binding, section 3.2):
https://github.com/cloudevents/spec/tree/v1.0.2/cloudevents/bindings. In structured mode they stand in the payload.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from connectors.entrance_records import Header

MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_BYTES = 16 * 1024
"""Of all attributes with their names: what a record has room for beside its topic."""

STRUCTURED = "application/cloudevents"
"""Begins the content type of structured mode and of batches."""

_HTTP_PREFIX = b"ce-"
_NAME = re.compile(r"[a-z0-9]+")
"""Of an attribute (specification, "Attribute Naming Convention")."""


class TooManyAttributes(ValueError):
    """Raised where a CloudEvent has more attributes, or larger ones, than a record may have; the message says how many.

    Terminal: the same event is refused again.
    """


def headers_of_user_properties(properties: Iterable[tuple[str, str]], content_type: str | None) -> list[Header]:
    """Of an MQTT 5 message; nothing but the content type where `specversion` is not among the user properties.

    Raises TooManyAttributes.

    Examples
    --------
    >>> headers_of_user_properties([("specversion", "1.0"), ("id", "7"), ("X-Trace", "no attribute")], "text/plain")
    [('ce_specversion', b'1.0'), ('ce_id', b'7'), ('content-type', b'text/plain')]
    """
    attributes = {name: value.encode() for name, value in properties if _NAME.fullmatch(name)}
    return _headers(attributes, content_type.encode() if content_type else b"")


def headers_of_http_fields(fields: Mapping[bytes, bytes]) -> list[Header]:
    """Of an HTTP request, whose field names are in lower case. Raises TooManyAttributes.

    Examples
    --------
    >>> headers_of_http_fields({b"ce-specversion": b"1.0", b"ce-subject": b"press%201", b"host": b"x"})
    [('ce_specversion', b'1.0'), ('ce_subject', b'press 1')]
    """
    attributes = {
        name[len(_HTTP_PREFIX) :].decode("latin-1"): unquote_to_bytes(value)
        for name, value in fields.items()
        if name.startswith(_HTTP_PREFIX)
    }
    named = {name: value for name, value in attributes.items() if _NAME.fullmatch(name)}
    return _headers(named, fields.get(b"content-type", b""))


def _headers(attributes: Mapping[str, bytes], content_type: bytes) -> list[Header]:
    is_binary = "specversion" in attributes and not content_type.lower().startswith(STRUCTURED.encode())
    headers = [(f"ce_{name}", value) for name, value in attributes.items()] if is_binary else []
    if content_type:
        headers.append(("content-type", content_type))
    size = sum(len(name.encode()) + len(value) for name, value in headers)
    if len(attributes) > MAX_ATTRIBUTES or size > MAX_ATTRIBUTE_BYTES:
        raise TooManyAttributes(
            f"{len(attributes)} attributes and {size} bytes of them, over {MAX_ATTRIBUTES} or {MAX_ATTRIBUTE_BYTES}"
        )
    return headers
