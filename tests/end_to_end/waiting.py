"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable
from typing import Any


def eventually(look: Callable[[], Any], within_s: float = 60.0) -> Any:
    """The first true answer of `look`; fails the test after `within_s`."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.2)
    return found


def until(done: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Waits for a condition; `what` says in the failure which one."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.02)


def in_the_end(look: Callable[[], Any], expected: Any, within_s: float = 30.0) -> None:
    """`look` gives what is expected; else the test fails with both after `within_s`."""
    deadline = time.monotonic() + within_s
    while (found := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == expected, f"{found} after {within_s} s, and not {expected}"
