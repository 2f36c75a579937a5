"""Entries of the journal that earlier versions wrote, brought to the layout of today."""

import struct
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np

from models.state_codec import Migrations, State

_LENGTH = struct.Struct(">i")


def _with_messagepack(state: State) -> State:
    """Until version 2 a batch was the number of its fields, the length of each (-1: NULL), and the fields."""
    try:
        fields = list(_fields(state.arrays["batch"].tobytes()))
    except struct.error as error:
        raise ValueError("a batch ends before its fields") from error
    return replace(state, arrays={"batch": np.frombuffer(msgspec.msgpack.encode(fields), np.uint8)})


def _fields(batch: bytes) -> Iterator[bytes | None]:
    (n,) = _LENGTH.unpack_from(batch)
    end = _LENGTH.size * (1 + n)
    for length in struct.unpack_from(f">{n}i", batch, _LENGTH.size):
        start, end = end, end + max(length, 0)
        yield None if length < 0 else batch[start:end]


JOURNAL_MIGRATIONS: Migrations = {2: _with_messagepack}
