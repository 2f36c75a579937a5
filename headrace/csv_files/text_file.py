"""A CSV file that is open: its lines, again and again, with bounded memory, and whether it has changed."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from headrace.csv_files.text_encoding import TextEncoding, detect
from headrace.errors import UnusableFile

MAX_LINE = 1 << 20
"""Characters. A longer line is no row of readings."""

END_OF_FILE = "\x1a"
"""What old programs of DOS write behind the last line."""


class TextFile:
    """The file stays open from the check until it is sent, so another one of its name does not matter.

    Raises
    ------
    UnusableFile
    """

    def __init__(
        self, path: Path, encoding: str | None = None, on_bytes: Callable[[int], None] = lambda _: None
    ) -> None:
        self.name = path.name
        self._path = path
        self.on_bytes = on_bytes
        try:
            # A FIFO would wait for its writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise UnusableFile(f"{path}: {error.strerror}. Check that it is there, and that you may read it") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnusableFile(f"{path} is no regular file. Give the path of a file")
        self._file = io.BufferedReader(io.FileIO(descriptor, "rb"))
        try:
            self._found = self._state()
            if self.size == 0:
                raise UnusableFile(f"{self.name} is empty: it has no header line and no rows")
            self.encoding: TextEncoding = detect(self._file, self.name, encoding)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes, when it was opened."""
        return self._found[0]

    def lines(self) -> Iterator[str]:
        """All lines from the first on, with their ends (LF, CRLF or CR). Several may read at once."""
        counted = io.BufferedReader(_Counted(self._file.fileno(), self.on_bytes), 1 << 18)
        text = io.TextIOWrapper(counted, encoding=self.encoding.name, newline="")
        number = 0
        while True:
            try:
                line = text.readline(MAX_LINE)
            except UnicodeError as error:
                raise self.changed() from error
            if not line:
                return
            number += 1
            if len(line) == MAX_LINE:
                raise UnusableFile(f"{self.name}, line {number}: over {MAX_LINE:,} characters. Is it a CSV file?")
            if line.strip() != END_OF_FILE:
                yield line

    def require_unchanged(self) -> None:
        """Check that the file is the one that was opened.

        Raises
        ------
        UnusableFile
            When somebody has written to it, or has put another file in its place.
        """
        if self._state() != self._found or not self._is_in_its_place():
            raise self.changed()

    def changed(self) -> UnusableFile:
        """The error of a file that is not what was checked."""
        return UnusableFile(f"{self.name} has changed while it was read. Wait until it is written, then try again")

    def _is_in_its_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def _state(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns


class _Counted(io.RawIOBase):
    """Reads a file from its start, at a place of its own, and leaves it open."""

    def __init__(self, descriptor: int, on_bytes: Callable[[int], None]) -> None:
        self._descriptor, self._at, self._on_bytes = descriptor, 0, on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        self._on_bytes(count)
        return count
