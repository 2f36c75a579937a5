"""Files that a command writes: what keeps them from being written is one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.errors import UnusableFile


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes `path` and reads nothing.

    Raises
    ------
    UnusableFile
        When it cannot be written: no permission, a full disk, a limit of the size of files.
    """
    try:
        yield
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written: {error.strerror or error}. Nothing of it was kept") from error
