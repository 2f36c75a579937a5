"""Whether a payload says itself when it was measured, as far as that can be told without decoding it."""

from schemas.payload_format import Codec
from schemas.source import Source

_MARKS = {Codec.HEADRACE: b'"ts"'}
"""Of other formats whose source declares no time each message is taken for one without: it may have to wait, and
loses nothing."""


def has_own_time(source: Source, payload: bytes) -> bool:
    """Whether the payload has a time for its readings. Asked of devices alone that send over 1,000 messages a second.

    Examples
    --------
    >>> from schemas.source import DEFAULT_SOURCE
    >>> has_own_time(DEFAULT_SOURCE, b'{"metric":"t","value":1,"ts":1719800000123}')
    True
    >>> has_own_time(DEFAULT_SOURCE, b'{"metric":"t","value":1}')
    False
    """
    if source.time is not None:
        return True
    mark = _MARKS.get(source.codec)
    return mark is not None and mark in payload
