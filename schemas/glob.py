"""Globs of metric names: `*` stands for any text, every other character for itself."""

import re
from functools import cache


@cache
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A pattern whose groups are what the `*` matched, for `fullmatch`.

    Matching takes longer with each `*` the longer a name is: apply it to names of at most MAX_NAME_LENGTH characters.

    Examples
    --------
    >>> glob_pattern("*.Temperature").fullmatch("AM2301.Temperature").groups()
    ('AM2301',)
    """
    return re.compile("(.*?)".join(map(re.escape, glob.split("*"))), re.DOTALL)


def renamed(name: str, glob: str, new: str) -> str | None:
    """The new name, its `*` replaced by what those of the glob matched; None where the glob does not match.

    Examples
    --------
    >>> renamed("AM2301.Temperature", "*.Temperature", "*.temperature")
    'AM2301.temperature'
    """
    found = glob_pattern(glob).fullmatch(name)
    if found is None:
        return None
    first, *parts = new.split("*")
    return first + "".join(text + part for text, part in zip(found.groups(), parts, strict=False))
