"""How a micro-batch crosses between the JVM and Python: as one frame of bytes. The twin of FrameWriter.java.

    int32          number of fields, of all records together
    int32 each     length of each field in bytes, -1 for NULL
    bytes          of the fields, one behind the other

Integers are big-endian. A record is as many fields as its table has columns; BYTES are as they are, text is UTF-8, a
number has 8 bytes, a BOOLEAN one, a MAP of text to BYTES is a frame of its keys and values. The lengths stand together,
so that Python reads them in one call. One frame and not columns: PyFlink's coders cost more for eight arrays than for
one of bytes, and convert each element of an array.

No internals, and no pyflink: what a worker reads with this can be tested without Flink.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

INTEGER, NUMBER = np.dtype(">i4"), np.dtype(">i8")
NULL = -1
_LENGTH = struct.Struct(">i")

Field = bytes | None


class BadFrame(ValueError):
    """Bytes that are no frame, or a column that is not what it is read as."""


def encode(records: Sequence[Sequence[Field]]) -> bytes:
    """The frame of records that have the same columns.

    Examples
    --------
    >>> encode([(b"ann", None)]).hex()
    '0000000200000003ffffffff616e6e'
    """
    fields = list(chain.from_iterable(records))
    return _frame(fields, _lengths(fields))


def encode_in_frames(records: Sequence[Sequence[Field]], max_bytes: int) -> Iterator[bytes]:
    """The frames of records that have the same columns, each ended by the record that brings it to `max_bytes`.

    Examples
    --------
    >>> [len(frame) for frame in encode_in_frames([(b"ann",), (b"ben",), (b"cleo",)], max_bytes=6)]
    [18, 12]
    """
    if not records:
        return
    fields = list(chain.from_iterable(records))
    lengths = _lengths(fields)
    columns = len(records[0])
    ends = np.maximum(lengths, 0).reshape(-1, columns).sum(axis=1).cumsum()
    start = 0
    while start < len(fields):
        before = ends[start // columns - 1] if start else 0
        end = columns * (int(np.searchsorted(ends, before + max_bytes)) + 1)
        yield _frame(fields[start:end], lengths[start:end])
        start = end


def _lengths(fields: Sequence[Field]) -> list[int]:
    return [NULL if field is None else len(field) for field in fields]


def _frame(fields: Sequence[Field], lengths: Sequence[int]) -> bytes:
    return struct.pack(f">{len(fields) + 1}i", len(fields), *lengths) + b"".join(filter(None, fields))


def fields(frame: bytes) -> list[Field]:
    r"""The fields of a small frame, one behind the other: for a dozen of them numpy would take ten times as long.

    Raises BadFrame when the bytes are not a frame.

    Examples
    --------
    >>> fields(encode([(b"ann", None), (b"", b"1")]))
    [b'ann', None, b'', b'1']
    """
    try:
        (n,) = _LENGTH.unpack_from(frame)
        lengths = struct.unpack_from(f">{n}i", frame, _LENGTH.size)
    except struct.error as error:
        raise BadFrame(f"{len(frame)} bytes that are no frame") from error
    found: list[Field] = []
    end = _LENGTH.size * (1 + n)
    for length in lengths:
        start, end = end, end + max(length, 0)
        found.append(None if length == NULL else frame[start:end])
    if end != len(frame) or min(lengths, default=0) < NULL:
        raise BadFrame(f"the fields of a frame do not end with its {len(frame)} bytes")
    return found


def split(frame: bytes, columns: int) -> list[bytes]:
    """A frame for each record of a frame. Raises BadFrame.

    Examples
    --------
    >>> [fields(each) for each in split(encode([(b"ann", None), (b"ben", b"1")]), columns=2)]
    [[b'ann', None], [b'ben', b'1']]
    """
    found = fields(frame)
    return [encode([found[start : start + columns]]) for start in range(0, len(found), columns)]


class Frame:
    r"""The columns of a frame's records, each in the order of the records.

    Parameters
    ----------
    frame
        As `encode` and FrameWriter.java make it. Raises BadFrame for other bytes.
    columns
        How many fields a record has.

    Examples
    --------
    >>> frame = Frame(encode([(b"ann", bytes(8)), (None, bytes(7) + b"\7")]), columns=2)
    >>> frame.texts(0), frame.numbers(1)
    (['ann', None], [0, 7])
    """

    def __init__(self, frame: bytes, columns: int) -> None:
        self._bytes = frame
        n = int(np.frombuffer(frame, INTEGER, 1)[0]) if len(frame) >= INTEGER.itemsize else -1
        begin = INTEGER.itemsize * (1 + n)
        if n < 0 or n % columns or begin > len(frame):
            raise BadFrame(f"{len(frame)} bytes that are no frame of {columns} columns")
        lengths = np.frombuffer(frame, INTEGER, n, INTEGER.itemsize).astype(np.int64)
        sizes = np.maximum(lengths, 0)
        ends = begin + np.cumsum(sizes)
        if (n and lengths.min() < NULL) or (ends[-1] if n else begin) != len(frame):
            raise BadFrame(f"the fields of a frame do not end with its {len(frame)} bytes")
        self._lengths, self._starts, self._ends = (each.reshape(-1, columns) for each in (lengths, ends - sizes, ends))

    def __len__(self) -> int:
        """Records."""
        return len(self._lengths)

    def fields(self, column: int) -> list[Field]:
        """A column of BYTES."""
        frame, places = self._bytes, self._places(column)
        if self._lengths[:, column].min(initial=0) >= 0:
            return [frame[start:end] for start, end in places]
        lengths = self._lengths[:, column].tolist()
        return [None if length < 0 else frame[start:end] for length, (start, end) in zip(lengths, places, strict=True)]

    def texts(self, column: int) -> list[str | None]:
        """A column of text."""
        return [None if field is None else field.decode() for field in self.fields(column)]

    def numbers(self, column: int) -> list[int]:
        """A column of whole numbers. Raises BadFrame if one is NULL."""
        numbers: list[int] = self._of_size(column, NUMBER).tolist()
        return numbers

    def booleans(self, column: int) -> list[bool]:
        """A column of BOOLEAN. Raises BadFrame if one is NULL."""
        booleans: list[bool] = self._of_size(column, np.dtype(np.bool_)).tolist()
        return booleans

    def _places(self, column: int) -> "zip[tuple[int, int]]":
        return zip(self._starts[:, column].tolist(), self._ends[:, column].tolist(), strict=True)

    def _of_size(self, column: int, kind: "np.dtype[np.generic]") -> NDArray[Any]:
        if (self._lengths[:, column] != kind.itemsize).any():
            raise BadFrame(f"column {column} of a frame has a field that has not {kind.itemsize} bytes")
        places = self._starts[:, column, None] + np.arange(kind.itemsize)
        return self._array[places].view(kind)[:, 0]

    @cached_property
    def _array(self) -> NDArray[Any]:
        return np.frombuffer(self._bytes, np.uint8)
