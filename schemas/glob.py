"""Globs of metric names: `*` stands for any text, every other character for itself."""

from functools import cache


class Glob:
    """A glob. A match takes time in proportion to the name's length times the glob's, however many `*` it has.

    Examples
    --------
    >>> Glob("*.Temperature").captures("AM2301.Temperature"), Glob("*.Temperature").captures("AM2301.Humidity")
    (('AM2301',), None)
    """

    __slots__ = ("_first", "_last", "_middle")

    def __init__(self, glob: str) -> None:
        self._first, *rest = glob.split("*")
        self._middle = tuple(rest[:-1])
        self._last = rest[-1] if rest else None

    def matches(self, name: str) -> bool:
        """Whether the glob matches the whole name."""
        return self.captures(name) is not None

    def captures(self, name: str) -> tuple[str, ...] | None:
        """What each `*` matched, the first ones as little as they can; None where the glob does not match."""
        if self._last is None:
            return () if name == self._first else None
        position, end = len(self._first), len(name) - len(self._last)
        if end < position or not (name.startswith(self._first) and name.endswith(self._last)):
            return None
        captured = []
        for part in self._middle:
            # The first place leaves the most room for what follows: no other needs to be tried.
            found = name.find(part, position, end)
            if found < 0:
                return None
            captured.append(name[position:found])
            position = found + len(part)
        return (*captured, name[position:end])


glob_of = cache(Glob)
"""The glob of a text; the same object for the same text."""


def renamed(name: str, glob: str, new: str) -> str | None:
    """The new name, its `*` replaced by what those of the glob matched; None where the glob does not match.

    Examples
    --------
    >>> renamed("AM2301.Temperature", "*.Temperature", "*.temperature")
    'AM2301.temperature'
    """
    captured = glob_of(glob).captures(name)
    if captured is None:
        return None
    first, *parts = new.split("*")
    return first + "".join(text + part for text, part in zip(captured, parts, strict=False))
