"""Python functions compiled for a fleet: loops over readings in which each waits for the one before it."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

os.environ.setdefault("NUMBA_CACHE_LOCATOR_CLASSES", f"{__name__}.DigestLocator")

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def cache_folder(sources: Traversable, wanted: Path, elsewhere: Path) -> Path:
    """Where the machine code of these sources is kept: in `wanted`, or `elsewhere` if nothing can be written there.

    The name has a digest of all sources. Numba looks at the file of a function alone, where it lies and when it was
    changed: after a change in what the function calls it would go on with the old code, and a worker, whose files come
    in a zip with its job, would compile everything again at each start.
    """
    digest = hashlib.sha256()
    for text in _texts(sources):
        digest.update(text)
    name = f"numba-{digest.hexdigest()[:16]}"
    try:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted / name
    except OSError:
        return _own_folder(elsewhere / f"headrace-{os.getuid()}") / name


def _texts(folder: Traversable) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _texts(entry)
        elif entry.name.endswith(".py"):
            yield entry.name.encode() + b"\0" + entry.read_bytes()


def _own_folder(wanted: Path) -> Path:
    """A folder that nobody else can write to: what lies in it is run."""
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = wanted.lstat()
    is_own = found.st_uid == os.getuid() and found.st_mode & 0o077 == 0 and not wanted.is_symlink()
    return wanted if is_own else Path(tempfile.mkdtemp(prefix="headrace-"))


def _caches() -> Path:
    """By the XDG Base Directory Specification; `NUMBA_CACHE_DIR` names another folder."""
    own = os.environ.get("NUMBA_CACHE_DIR")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headrace"


class DigestLocator(numba.core.caching._CacheLocator):  # type: ignore[misc]
    """Tells numba where the machine code of a function is kept: by what the sources are, not by where they lie."""

    folder = cache_folder(files(__package__), _caches(), Path(tempfile.gettempdir()))

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def get_cache_path(self) -> str:
        return str(self.folder)

    def get_source_stamp(self) -> str:
        return self.folder.name

    def get_disambiguator(self) -> str:
        return f"{self._function.__module__}-{self._function.__code__.co_firstlineno}"

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "DigestLocator":
        return cls(py_func)


class Compiled(Protocol):
    """A compiled function; `py_func` is the plain one that it was made from."""

    py_func: Callable[..., Any]


def compiled(function: Function) -> Function:
    """`function` as machine code, compiled at its first call and then kept on disk.

    Results are those of the plain function to the last bit: no `fastmath`, so nothing is reordered or fused, and no
    threads. Whatever it calls has to be compiled as well.
    """
    return cast(Function, numba.njit(cache=True, fastmath=False, nogil=True)(function))
