"""What a store does with a batch: what every writer has in common. schemas/errors.py draws the tree."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from schemas.errors import HeadraceError, TerminalError, TransientError

log = logging.getLogger(__name__)

Result = TypeVar("Result")

MAX_PAUSE_S = 5.0


class StoreError(HeadraceError):
    """A store that cannot be written to at all. A row that it refuses is a return value, not an exception."""


class StoreUnavailable(StoreError, TransientError):
    """The store is unreachable, overloaded or full. Carries how long it asked to be left alone."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreMisconfigured(StoreError, TerminalError):
    """Trying again is useless until a person changes something; the message says what."""


def until_it_answers(
    attempt: Callable[[], Result], patience_s: float, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """Calls `attempt` until it does not raise StoreUnavailable, pausing longer each time, for `patience_s` at most.

    Blocking is the backpressure: while a store is away no row of this job moves and nothing is
    dropped. `patience_s` must stay below the checkpoint timeout; past it the error is raised, the
    job restarts from its last checkpoint and comes back to the same rows.
    """
    deadline = time.monotonic() + patience_s
    pause_s = 0.1
    while True:
        try:
            return attempt()
        except StoreUnavailable as away:
            if time.monotonic() >= deadline:
                raise
            pause_s = min(2 * pause_s, MAX_PAUSE_S)
            wait_s = max(away.retry_after_s or 0.0, pause_s * random.uniform(0.5, 1.0))  # noqa: S311
            log.warning("%s; next try in %.1f s", away, wait_s)
            sleep(min(wait_s, max(0.0, deadline - time.monotonic())))
