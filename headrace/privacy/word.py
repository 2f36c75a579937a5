"""A user's id, looked for in bytes."""

import json
import re


def word(user: str) -> "re.Pattern[bytes]":
    """The id, plain or as JSON has it, where no letter, digit or hyphen goes on with it: `u-1` is not in `u-17`.

    >>> bool(word("u-1").search(b'{"user":"u-1"}')), bool(word("u-1").search(b'{"user":"u-17"}'))
    (True, False)
    >>> bool(word("Zoë").search(b'{"user":"Zo\\\\u00eb"}'))
    True
    """
    forms = {user, json.dumps(user)[1:-1], json.dumps(user, ensure_ascii=False)[1:-1]}
    found = b"|".join(re.escape(form.encode()) for form in sorted(forms))
    return re.compile(rb"(?<![\w-])(?:" + found + rb")(?![\w-])")
