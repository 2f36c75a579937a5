"""Python functions compiled for a fleet: loops over readings in which each waits for the one before it."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_folder() -> str:
    """Where machine code is kept: beside the sources, or where an installation is read-only, in the user's own folder."""
    beside = Path(__file__).parent / "__pycache__"
    try:
        beside.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=beside):
            return str(beside / "numba")
    except OSError:
        return str(Path(tempfile.gettempdir()) / f"headrace-numba-{os.getuid()}")


os.environ.setdefault("NUMBA_CACHE_DIR", _cache_folder())

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
