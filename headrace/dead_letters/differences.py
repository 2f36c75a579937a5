"""What a change does to a payload, line by line."""

import difflib
import json

from headrace.dead_letters.terminal_text import lines

MAX_LINES = 60
MAX_CHARACTERS = 2000
"""Of one line."""


def differences(before: bytes, after: bytes) -> list[str]:
    """A unified diff. Two JSON texts are compared with one field a line, anything else as it stands."""
    old, new = _comparable(before, after)
    found = list(difflib.unified_diff(old, new, "as it came", "edited", lineterm=""))
    found = [line if len(line) <= MAX_CHARACTERS else line[:MAX_CHARACTERS] + "…" for line in found]
    return found[:MAX_LINES] + ([f"… and {len(found) - MAX_LINES} lines more"] if len(found) > MAX_LINES else [])


def _comparable(*payloads: bytes) -> list[list[str]]:
    try:
        texts = [json.dumps(json.loads(payload), indent=2, ensure_ascii=False).encode() for payload in payloads]
    except ValueError:
        texts = list(payloads)
    if len(set(texts)) == 1:  # white space, or a key that stands there twice
        texts = list(payloads)
    return [lines(text) for text in texts]
