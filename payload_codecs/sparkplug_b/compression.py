"""Compressed payloads: another payload in the body of the outer one, as the clients of Eclipse Tahu write them.

The outer payload's `uuid` says that it is one, its metric `algorithm` which of GZIP and DEFLATE made it. The first
bytes of the body say so too, and do not depend on how a client spells the metric.
"""

import zlib
from typing import Any

from payload_codecs.sparkplug_b.protobuf_schema import Payload

COMPRESSED = "SPBV1.0_COMPRESSED"

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of a body that is decompressed: some times what 10,000 metrics take, and no bomb."""

_GZIP_MAGIC = b"\x1f\x8b"
"""No payload begins with it: protobuf has no such tag."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


class UnreadableBody(ValueError):
    """Raised for a body that is not compressed as it says, or too large, and made a rejection by the codec.

    Terminal: the bytes stay the same.
    """


def payload_of(sent: bytes) -> Any:
    """The payload that counts: what a message holds, or what is compressed in it.

    Some gateways compress the message as a whole, which its first bytes say.

    Raises
    ------
    DecodeError
        For bytes that are no payload.
    UnreadableBody
        With the reason.
    """
    payload = Payload.FromString(_inflated(sent) if sent.startswith(_GZIP_MAGIC) else sent)
    return payload if payload.uuid != COMPRESSED else _inner(payload)


def _inner(payload: Any) -> Any:
    inner = Payload.FromString(_inflated(payload.body))
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
