"""Python functions compiled for a fleet: loops over readings in which each waits for the one before it."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

SOURCES = Path(__file__).parent


def cache_folder(sources: Path, elsewhere: Path) -> Path:
    """Where the machine code of these sources is kept: beside them, or `elsewhere` in a read-only installation.

    The name has a digest of all of them. Numba looks at the file of a function alone and not at those of what it calls:
    after a change there it would go on with the old code.
    """
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*.py")):
        digest.update(path.read_bytes())
    name = f"numba-{digest.hexdigest()[:16]}"
    beside = sources / "__pycache__"
    try:
        beside.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=beside):
            return beside / name
    except OSError:
        return _own_folder(elsewhere / f"headrace-{os.getuid()}") / name


def _own_folder(wanted: Path) -> Path:
    """A folder that nobody else can write to: what lies in it is run."""
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = wanted.lstat()
    is_own = found.st_uid == os.getuid() and found.st_mode & 0o077 == 0 and not wanted.is_symlink()
    return wanted if is_own else Path(tempfile.mkdtemp(prefix="headrace-"))


os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder(SOURCES, Path(tempfile.gettempdir()))))

import numba  # noqa: E402 - reads its environment once, when it is imported


class Compiled(Protocol):
    """A compiled function; `py_func` is the plain one that it was made from."""

    py_func: Callable[..., Any]


def compiled(function: Function) -> Function:
    """`function` as machine code, compiled at its first call and then kept on disk.

    Results are those of the plain function to the last bit: no `fastmath`, so nothing is reordered or fused, and no
    threads. Whatever it calls has to be compiled as well.
    """
    return cast(Function, numba.njit(cache=True, fastmath=False, nogil=True)(function))
