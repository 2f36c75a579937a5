"""The line of a TOML text where a value stands: tomllib tells values, and lines of syntax errors only."""

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

Path = Sequence[str | int]


class TomlLines:
    r"""The lines, counted from 1, on which the statements of a text begin.

    A beginning of the text that ends between two statements is TOML itself, so a statement is found by parsing
    beginnings: a bisection, with no second parser of TOML. So that a value of a long file is not looked for in all of
    it, the text is cut first where lines begin with a bracket, into parts that are TOML each by itself.

    Parameters
    ----------
    text
        A TOML text without mistakes.

    Examples
    --------
    >>> TomlLines('a = 1\n\n[[b]]\nc = 2\n[[b]]\nc = [\n3]\n').line_of(("b", 1, "c"))
    6
    """

    def __init__(self, text: str) -> None:
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._parts = list(_parts(self._lines))
        self._starts: dict[str, list[tuple[int, int]]] = {}
        """Of each array of tables: the number of an element, and the line that its part begins with."""
        self._counts: dict[str, int] = {}
        for start, part in self._parts:
            for name, value in part.items():
                if isinstance(value, list) and value:
                    count = self._counts.get(name, 0)
                    self._starts.setdefault(name, []).append((count, start))
                    self._counts[name] = count + len(value)

    def line_of(self, path: Path) -> int:
        """Where the statement begins that defines what `path` leads to.

        Where the text has no such value, it is the line of the nearest table or array around it.
        """
        if len(path) > 1 and isinstance(name := path[0], str) and isinstance(number := path[1], int):
            starts = self._starts.get(name, [])
            if 0 <= number < self._counts.get(name, 0):
                index = bisect_right(starts, number, key=lambda each: each[0]) - 1
                first, start = starts[index]
                end = starts[index + 1][1] if index + 1 < len(starts) else len(self._lines)
                return start + _line_of(self._lines[start:end], (name, number - first, *path[2:]))
        return _line_of(self._lines, path)


def _parts(lines: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Parts of a text that are TOML by themselves, each with the number of lines before it."""
    cuts = [number for number, line in enumerate(lines) if line.lstrip(" \t").startswith("[") and number]
    start = 0
    for cut in (*cuts, len(lines)):
        try:
            part = tomllib.loads("\n".join(lines[start:cut]))
        except tomllib.TOMLDecodeError:
            continue  # the bracket stands within a value
        yield start, part
        start = cut


def _line_of(lines: Sequence[str], path: Path) -> int:
    known = existing(tomllib.loads("\n".join(lines)), path)
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
