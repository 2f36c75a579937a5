r"""How a micro-batch crosses between the JVM and Python: as one frame of bytes. The twin of FrameWriter.java.

A frame is MessagePack: an array of the fields of all records, one record behind the other. A record is as many fields
as its table has columns. A field is `bin`, or `nil` for NULL: BYTES are as they are, text is UTF-8, a number has 8
bytes (big-endian), a BOOLEAN one, a MAP of text to BYTES is a frame of its keys and values.

One frame and not columns: PyFlink's coders cost more for eight arrays than for one of bytes, and convert each element
of an array. MessagePack, because a library reads and writes a whole frame in C (docs/adr/0033).

Specification: https://github.com/msgpack/msgpack/blob/master/spec.md

No internals, and no pyflink: what a worker reads with this can be tested without Flink.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

NUMBER = np.dtype(">i8")

FIRST_RECORDS = 1000
"""Of the first frame of `encode_in_frames`, which shows how large a record is."""

Field = bytes | None

_decode = msgspec.msgpack.Decoder(list[Field]).decode
_encode = msgspec.msgpack.Encoder().encode


class BadFrame(ValueError):
    """Raised for bytes that are no frame, or a column of another type than is read.

    Terminal: a bug on one of both sides.
    """


def encode(records: Iterable[Sequence[Field]]) -> bytes:
    """The frame of records that have the same columns.

    Examples
    --------
    >>> encode([(b"ann", None)]).hex()
    '92c403616e6ec0'
    """
    return _encode(list(chain.from_iterable(records)))


def encode_in_frames(fields: Sequence[Field], columns: int, max_bytes: int) -> Iterator[bytes]:
    """The frames of records, whose fields stand one behind the other, each of at most `max_bytes` or one record.

    Examples
    --------
    >>> [len(frame) for frame in encode_in_frames([b"ann", b"ben", b"cleo"], columns=1, max_bytes=12)]
    [11, 7]
    """
    start, records = 0, FIRST_RECORDS
    while start < len(fields):
        frame = _encode(fields[start : start + records * columns])
        fitting = max(1, records * max_bytes // len(frame))
        if len(frame) <= max_bytes or records == 1:
            start += records * columns
            yield frame
        elif fitting == records:
            fitting -= 1
        records = fitting


def fields(frame: bytes) -> list[Field]:
    r"""The fields of a frame, one behind the other. Raises BadFrame.

    Examples
    --------
    >>> fields(encode([(b"ann", None), (b"", b"1")]))
    [b'ann', None, b'', b'1']
    """
    try:
        return _decode(frame)
    except msgspec.DecodeError as error:
        raise BadFrame(f"{len(frame)} bytes that are no frame: {error}") from error


def split(frame: bytes, columns: int) -> list[bytes]:
    """A frame for each record of a frame. Raises BadFrame.

    Examples
    --------
    >>> [fields(each) for each in split(encode([(b"ann", None), (b"ben", b"1")]), columns=2)]
    [[b'ann', None], [b'ben', b'1']]
    """
    found = fields(frame)
    return [_encode(found[start : start + columns]) for start in range(0, len(found), columns)]


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
        self._fields = fields(frame)
        self._columns = columns
        if len(self._fields) % columns:
            raise BadFrame(f"{len(self._fields)} fields that are no records of {columns} columns")

    def __len__(self) -> int:
        """Records."""
        return len(self._fields) // self._columns

    def fields(self, column: int) -> list[Field]:
        """A column of BYTES."""
        return self._fields[column :: self._columns]

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

    def _of_size(self, column: int, kind: "np.dtype[Any]") -> "np.ndarray[Any, np.dtype[Any]]":
        found: list[Any] = self.fields(column)
        try:
            is_of_size = set(map(len, found)) <= {kind.itemsize}
        except TypeError:  # NULL has no length
            is_of_size = False
        if not is_of_size:
            raise BadFrame(f"column {column} of a frame has a field that has not {kind.itemsize} bytes")
        return np.frombuffer(b"".join(found), kind)
