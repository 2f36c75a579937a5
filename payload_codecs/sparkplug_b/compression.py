"""Compressed payloads: another payload in the body of the outer one, as the clients of Eclipse Tahu write them.

The outer payload's `uuid` says that it is one, its metric `algorithm` which of GZIP and DEFLATE made it. The first
bytes of the body say so too, and do not depend on how a client spells the metric.
"""

import zlib
from typing import Any

from google.protobuf.message import DecodeError

from payload_codecs.sparkplug_b.protobuf_schema import Payload

COMPRESSED = "SPBV1.0_COMPRESSED"

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of a body that is decompressed: some times what 10,000 metrics take, and no bomb."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


class UnreadableBody(ValueError):
    """A body that is no compressed payload, or too large a one."""


def uncompressed(payload: Any) -> Any:
    """The payload that counts: the one in the body of a compressed one, else the payload itself.

    Raises
    ------
    UnreadableBody
        With the reason.
    """
    if payload.uuid != COMPRESSED:
        return payload
    body = _inflated(payload.body)
    try:
        inner = Payload.FromString(body)
    except DecodeError as error:
        raise UnreadableBody(f"the body is no payload: {error}") from error
    for field in ("timestamp", "seq"):
        if payload.HasField(field) and not inner.HasField(field):
            setattr(inner, field, getattr(payload, field))
    return inner


def _inflated(body: bytes) -> bytes:
    error: zlib.error | None = None
    for form in (_GZIP_OR_ZLIB, _RAW_DEFLATE):
        inflating = zlib.decompressobj(form)
        try:
            inflated = inflating.decompress(body, MAX_BODY_BYTES)
        except zlib.error as failed:
            error = error or failed
            continue
        if inflating.unconsumed_tail:
            raise UnreadableBody(f"the body has over {MAX_BODY_BYTES:,} bytes")
        if not inflating.eof:
            raise UnreadableBody("the body is cut off")
        return inflated
    raise UnreadableBody(f"the body is neither GZIP nor DEFLATE: {error}")
