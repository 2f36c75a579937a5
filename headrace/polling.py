"""Waits for a condition, within a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

from headrace.errors import NotWithin

Found = TypeVar("Found")

PAUSE_S = 0.2


def wait_until(what: str, look: Callable[[], Found | None], within_s: float, pause_s: float = PAUSE_S) -> Found:
    """The first true answer of `look`. Raises NotWithin, which names what was waited for.

    >>> wait_until("the answer", lambda: 42, within_s=1)
    42
    """
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotWithin(f"{what}: not within {within_s:.0f} s")
        time.sleep(pause_s)
    return found
