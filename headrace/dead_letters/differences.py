"""What a change does to a payload, line by line."""

import difflib
import json

from headrace.dead_letters.terminal_text import lines

MOST_LINES = 60
MOST_CHARACTERS = 2000
"""Of one line."""


def differences(before: bytes, after: bytes) -> list[str]:
    """A unified diff. Two JSON texts are compared with one field a line, anything else as it stands."""
    old, new = _comparable(before, after)
    found = list(difflib.unified_diff(old, new, "as it came", "mended", lineterm=""))
    found = [line if len(line) <= MOST_CHARACTERS else line[:MOST_CHARACTERS] + "…" for line in found]
    return found[:MOST_LINES] + ([f"… and {len(found) - MOST_LINES} lines more"] if len(found) > MOST_LINES else [])


def _comparable(*payloads: bytes) -> list[list[str]]:
    try:
        texts = [json.dumps(json.loads(payload), indent=2, ensure_ascii=False).encode() for payload in payloads]
    except ValueError:
        texts = list(payloads)
    if len(set(texts)) == 1:  # white space, or a key that stands there twice
        texts = list(payloads)
    return [lines(text) for text in texts]
