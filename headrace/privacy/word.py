"""A user's id, looked for in bytes."""

import re


def word(user: str) -> "re.Pattern[bytes]":
    """The id where no letter, digit or hyphen goes on with it: `u-1` is not in `u-17`.

    >>> bool(word("u-1").search(b'{"user":"u-1"}')), bool(word("u-1").search(b'{"user":"u-17"}'))
    (True, False)
    """
    return re.compile(rb"(?<![\w-])" + re.escape(user.encode()) + rb"(?![\w-])")
