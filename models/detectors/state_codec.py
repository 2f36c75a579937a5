"""State as bytes: named arrays and a JSON header, compressed, with a checksum. Reading it runs no code.

Errors
------
UnreadableState(ValueError)     the bytes are not a state that this code can continue from
"""

import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = b"HRs1"
_PREFIX = struct.Struct("<4sI")
_HEADER_SIZE = struct.Struct("<I")
_PLAIN_KINDS = "biuf"


class UnreadableState(ValueError):
    """State that cannot be continued from: foreign, of another version, or damaged. Start cold."""


@dataclass(frozen=True)
class State:
    """What a frozen object consists of.

    Parameters
    ----------
    kind
        Whose state it is.
    version
        Of that kind's layout.
    values
        Anything JSON can hold.
    arrays
        By name; booleans, integers and floats only.

    Examples
    --------
    >>> state = State("example", 1, {"window": 250}, {"low": np.array([0.5, 1.5])})
    >>> decode(encode(state), "example", 1).arrays["low"]
    array([0.5, 1.5])
    >>> decode(encode(state), "example", 2)
    Traceback (most recent call last):
    ...
    models.detectors.state_codec.UnreadableState: state is example version 1, this code reads example version 2
    """

    kind: str
    version: int
    values: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]


def encode(state: State) -> bytes:
    """Bytes of a state: magic, checksum, then the compressed header and arrays."""
    arrays = {name: np.ascontiguousarray(array) for name, array in state.arrays.items()}
    layout = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    header = json.dumps([state.kind, state.version, state.values, layout]).encode()
    raw = b"".join([_HEADER_SIZE.pack(len(header)), header, *(array.tobytes() for array in arrays.values())])
    body = zlib.compress(raw, 1)
    return _PREFIX.pack(MAGIC, zlib.crc32(body)) + body


def decode(encoded: bytes, kind: str, version: int) -> State:
    """The state in `encoded`; raises UnreadableState unless it is whole and of this kind and version."""
    raw = _body(encoded)
    try:
        (header_size,) = _HEADER_SIZE.unpack_from(raw)
        start = _HEADER_SIZE.size + header_size
        found_kind, found_version, values, layout = json.loads(raw[_HEADER_SIZE.size : start])
        if (found_kind, found_version) == (kind, version):
            return State(kind, version, values, _arrays(raw, start, layout))
    except (struct.error, ValueError, TypeError) as error:
        raise UnreadableState(f"state is damaged: {error}") from error
    raise UnreadableState(f"state is {found_kind} version {found_version}, this code reads {kind} version {version}")


def _body(encoded: bytes) -> bytes:
    if len(encoded) < _PREFIX.size or not encoded.startswith(MAGIC):
        raise UnreadableState("these bytes are no state of a detector")
    _, checksum = _PREFIX.unpack_from(encoded)
    body = encoded[_PREFIX.size :]
    if zlib.crc32(body) != checksum:
        raise UnreadableState("state is damaged: its checksum differs")
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise UnreadableState(f"state is damaged: {error}") from error


def _arrays(raw: bytes, start: int, layout: list[list[Any]]) -> dict[str, npt.NDArray[Any]]:
    arrays = {}
    for name, dtype_text, shape in layout:
        dtype, count = np.dtype(dtype_text), math.prod(shape)
        if dtype.kind not in _PLAIN_KINDS:
            raise ValueError(f"array {name} has dtype {dtype_text}")
        arrays[name] = np.frombuffer(raw, dtype, count, start).reshape(shape).copy()
        start += count * dtype.itemsize
    return arrays
