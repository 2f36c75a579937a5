"""Which encoding a file is in: UTF-8 if all of it is, UTF-16 or UTF-32 by its marks, else a guess that says so.

Statistical detectors are not used: of a header with `°C` in Latin-1 charset-normalizer 3.5 makes Big5 and a Chinese
character, and one wrong byte in a UTF-8 file makes it read the rest as cp1250.
"""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from headrace.errors import UnusableFile

CHUNK_BYTES = 1 << 20
GUESS = "cp1252"
"""What Excel writes in Western Europe and America. Below 128 it is ASCII: numbers and times are right in any case."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks. That of UTF-32-LE begins with that of UTF-16-LE, so it comes first."""

_OTHER_FORMATS = (
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first"),
    (b"PK\x03\x04", "a zip archive, as xlsx files are", "Unpack it, or save the sheet as CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first"),
    (b"BZh", "compressed with bzip2", "Unpack it first"),
    (b"\xfd7zXZ\x00", "compressed with xz", "Unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first"),
    (b"PAR1", "a Parquet file", "Save it as CSV"),
    (b"SQLite format 3\x00", "an SQLite database", "Save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "Save the sheet as CSV"),
    (b"%PDF", "a PDF", "Save the table as CSV"),
)


@dataclass(frozen=True)
class TextEncoding:
    """A codec of Python, and whether it is only a guess."""

    name: str
    is_guess: bool = False

    def __str__(self) -> str:
        shown = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with a byte order mark"}.get(self.name, self.name)
        return f"{shown} (a guess: it is not UTF-8)" if self.is_guess else shown


def detect(file: BinaryIO, name: str, given: str | None = None) -> TextEncoding:
    """The encoding of a file that can seek. All of it is read, a chunk at a time.

    Raises
    ------
    UnusableFile
        When it is no text, or not in the encoding that was given.
    """
    head = file.read(CHUNK_BYTES)
    _refuse_other_formats(head, name)
    if given is not None:
        return _given(file, name, given)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return _decodable(file, name, encoding)
    if wide := _utf16_without_mark(head):
        return _decodable(file, name, wide)
    fault = _first_fault(file, "utf-8")
    if fault is None:
        return TextEncoding("utf-8")
    return _guess(file, name, fault)


def _refuse_other_formats(head: bytes, name: str) -> None:
    for magic, kind, remedy in _OTHER_FORMATS:
        if head.startswith(magic):
            raise UnusableFile(f"{name} is {kind}, no CSV text. {remedy}")


def _given(file: BinaryIO, name: str, given: str) -> TextEncoding:
    try:
        codec = codecs.lookup(given)
        "".encode(codec.name)
    except (LookupError, UnicodeError):
        raise UnusableFile(
            f"--encoding: {given!r} is no text encoding. Take one such as utf-8, cp1252 or utf-16"
        ) from None
    encoding = "utf-8-sig" if codec.name == "utf-8" else codec.name
    return _decodable(file, name, encoding)


def _decodable(file: BinaryIO, name: str, encoding: str) -> TextEncoding:
    fault = _first_fault(file, encoding)
    if fault is not None:
        raise UnusableFile(f"{name} is not in {encoding}: it cannot be decoded behind byte {fault:,}. See --encoding")
    return TextEncoding(encoding)


def _first_fault(file: BinaryIO, encoding: str) -> int | None:
    """About where the file is not in the encoding: exact for UTF-8. None: it is, throughout."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    at = 0
    while True:
        chunk = file.read(CHUNK_BYTES)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            return at - pending + (error.start if isinstance(error, UnicodeDecodeError) else 0)
        if not chunk:
            return None
        at += len(chunk)


def _utf16_without_mark(head: bytes) -> str | None:
    """By its NULs: the text of a CSV file is mostly ASCII, each character of which has one in UTF-16."""
    sample = head[:4096]
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.1 * half else None


def _guess(file: BinaryIO, name: str, fault: int) -> TextEncoding:
    start = max(0, fault - CHUNK_BYTES)
    file.seek(start)
    around = file.read(2 * CHUNK_BYTES)
    if b"\x00" in around:
        raise UnusableFile(f"{name} is no text: it holds NUL bytes. Save the table as CSV, or see --encoding")
    text = around.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    others = sum(map((0x7F).__lt__, map(ord, text))) - broken
    if others > broken:
        line = _line_of(file, fault)
        raise UnusableFile(
            f"{name}, line {line}: a byte is not UTF-8, though the rest is. Mend it, or name the file's --encoding"
        )
    if _first_fault(file, GUESS) is not None:
        raise UnusableFile(f"{name} is neither UTF-8 nor {GUESS}. Name its encoding, such as --encoding cp932")
    return TextEncoding(GUESS, is_guess=True)


def _line_of(file: BinaryIO, offset: int) -> int:
    file.seek(0)
    line, left = 1, offset
    while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
        line += chunk.count(b"\n")
        left -= len(chunk)
    return line
