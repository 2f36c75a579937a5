"""State as bytes: named arrays and a JSON header, compressed or not, with a checksum. Reading it runs no code.

A state carries the version of its layout. What writes a newer version keeps a migration from each older one, so
that an upgrade keeps what was learned; tests/data/state holds a file of every version there has been.

Errors
------
UnreadableState(ValueError)     the bytes are not a state that this code can continue from
"""

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import TerminalError

MAGIC, PLAIN_MAGIC = b"HRs1", b"HRs2"
"""Of a compressed state, and of one that is not."""

_PREFIX = struct.Struct("<4sI")
_HEADER_SIZE = struct.Struct("<I")
_PLAIN_KINDS = "biuf"


class UnreadableState(TerminalError, ValueError):
    """Raised for state that cannot be continued from: foreign, of another version, or damaged. Start cold.

    Terminal: the same bytes are refused again.
    """


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
    models.state_codec.UnreadableState: state is example version 1, this code reads example version 2
    """

    kind: str
    version: int
    values: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]


Migration = Callable[[State], State]
"""From one version to the next: gives the values and arrays of the next, whose number `decode` sets."""

Migrations = Mapping[int, Migration]
"""By the version that each one starts from."""

NO_MIGRATIONS: Migrations = MappingProxyType({})


def encode(state: State, compressed: bool = True) -> bytes:
    """Bytes of a state: magic, checksum, then header and arrays, compressed by zlib at its fastest level.

    Parameters
    ----------
    compressed
        Costs 20 ms of CPU a MB: not for what is written every few seconds and hardly becomes smaller.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in state.arrays.items()}
    layout = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    header = json.dumps([state.kind, state.version, state.values, layout]).encode()
    raw = b"".join([_HEADER_SIZE.pack(len(header)), header, *(array.tobytes() for array in arrays.values())])
    body = zlib.compress(raw, 1) if compressed else raw
    return _PREFIX.pack(MAGIC if compressed else PLAIN_MAGIC, zlib.crc32(body)) + body


def decode(encoded: bytes, kind: str, version: int, migrations: Migrations = NO_MIGRATIONS) -> State:
    """The state in `encoded`, brought to `version`.

    Raises
    ------
    UnreadableState
        Unless it is whole, of this kind, and of this version or one that `migrations` lead from to it.

    Examples
    --------
    >>> old = encode(State("example", 1, {"window": 250}, {}))
    >>> to_2 = lambda state: replace(state, values={**state.values, "seed": 42})
    >>> decode(old, "example", 2, {1: to_2})
    State(kind='example', version=2, values={'window': 250, 'seed': 42}, arrays={})
    """
    found = _read(encoded)
    state = found
    while state.kind == kind and state.version < version and state.version in migrations:
        state = _migrated(state, migrations[state.version])
    if (state.kind, state.version) != (kind, version):
        raise UnreadableState(
            f"state is {found.kind} version {found.version}, this code reads {kind} version {version}"
        )
    return state


def kind_of(encoded: bytes) -> str:
    """Whose state `encoded` is. Raises UnreadableState unless it is whole."""
    return _read(encoded).kind


def _migrated(state: State, migration: Migration) -> State:
    try:
        return replace(migration(state), kind=state.kind, version=state.version + 1)
    except (LookupError, ValueError, TypeError) as error:
        # A cold start costs what was learned; a raise would restart the job for ever.
        raise UnreadableState(
            f"state is {state.kind} version {state.version}, and its migration to the next fails: {error!r}"
        ) from error


def _read(encoded: bytes) -> State:
    raw = _body(encoded)
    try:
        (header_size,) = _HEADER_SIZE.unpack_from(raw)
        start = _HEADER_SIZE.size + header_size
        kind, version, values, layout = json.loads(raw[_HEADER_SIZE.size : start])
        return State(kind, int(version), values, _arrays(raw, start, layout))
    except (struct.error, ValueError, TypeError) as error:
        raise UnreadableState(f"state is damaged: {error}") from error


def _body(encoded: bytes) -> bytes:
    if len(encoded) < _PREFIX.size or not encoded.startswith((MAGIC, PLAIN_MAGIC)):
        raise UnreadableState("these bytes are no state of a detector")
    magic, checksum = _PREFIX.unpack_from(encoded)
    body = encoded[_PREFIX.size :]
    if zlib.crc32(body) != checksum:
        raise UnreadableState("state is damaged: its checksum differs")
    if magic == PLAIN_MAGIC:
        return body
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
