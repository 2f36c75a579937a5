"""The line of a TOML text where a value stands: tomllib tells values, and lines of syntax errors only."""

import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

Path = Sequence[str | int]


def line_of(text: str, path: Path) -> int:
    r"""Return the line, counted from 1, on which the statement begins that defines what `path` leads to.

    Where the text has no such value, it is the line of the nearest table or array around it. A beginning of the text
    that ends between two statements is TOML itself, so the statement is found by parsing beginnings: a bisection, with
    no second parser of TOML.

    Examples
    --------
    >>> line_of('a = 1\n\n[[b]]\nc = 2\n[[b]]\nc = [\n3]\n', ("b", 1, "c"))
    6
    """
    lines = text.replace("\r\n", "\n").split("\n")
    known = existing(tomllib.loads(text), path)
    if not known:
        return 1
    defined = bisect_left(range(1, len(lines) + 1), True, key=lambda count: _defines(lines, count, known))
    return defined + 1


def existing(value: Any, path: Path) -> tuple[str | int, ...]:
    """How far a path leads into a value."""
    known: list[str | int] = []
    for step in path:
        if not _has(value, step):
            break
        value = value[step]
        known.append(step)
    return tuple(known)


def _has(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _defines(lines: Sequence[str], count: int, path: Path) -> bool:
    """Whether the first `count` lines define a path, together with those that end the last statement of them."""
    for end in range(count, len(lines) + 1):
        try:
            beginning = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # the last statement goes on
        return len(existing(beginning, path)) == len(path)
    return False
