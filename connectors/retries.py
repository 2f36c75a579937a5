"""Retries of calls to servers: a transient error is tried again, any other one is raised at once. Built on tenacity."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential,
    wait_fixed,
)

from schemas.errors import HeadraceError, TransientError

log = logging.getLogger(__name__)

Result = TypeVar("Result")

MAX_PAUSE_S = 5.0

_growing_pause_s = wait_exponential(multiplier=0.2, max=MAX_PAUSE_S)


@dataclass(frozen=True)
class Retries:
    """Calls a server until it answers, pausing longer each time, for `patience_s` at most.

    Blocking is the backpressure: while a store is unavailable no row of this job moves and nothing is dropped.
    `patience_s` must stay below the checkpoint timeout; past it the error is raised, the job restarts from its last
    checkpoint and comes back to the same rows.

    Parameters
    ----------
    patience_s
        From the first attempt to the last, in seconds; 0 for one attempt.
    sleep, now_s
        What makes time pass. Tests move a clock by hand.
    """

    patience_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    now_s: Callable[[], float] = time.monotonic

    def call(self, attempt: Callable[[], Result]) -> Result:
        """What `attempt` returns.

        Raises
        ------
        TransientError
            The last one of `attempt`, once the patience has ended.
        """
        until_s = self.now_s() + self.patience_s

        def left_s() -> float:
            return max(0.0, until_s - self.now_s())

        return Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=lambda _: left_s() <= 0,
            wait=lambda state: min(_pause_s(state), left_s()),
            sleep=self.sleep,
            before_sleep=_log_retry,
            reraise=True,
        )(attempt)


DEFAULT_RETRIES = Retries()


def until_stopped(
    attempt: Callable[[], Result],
    stopped: threading.Event,
    pause_s: float,
    on_error: Callable[[BaseException], None],
    retry_on: type[HeadraceError] = TransientError,
) -> Result | None:
    """For a background thread: what `attempt` returns, tried every `pause_s`; None if `stopped` is set first.

    Parameters
    ----------
    on_error
        Is given each error that is tried again, before the pause.
    retry_on
        KafkaClientError, for instance, where a person may correct a terminal error while the process runs and nobody
        is there to restart it.
    """
    if stopped.is_set():
        return None
    return Retrying(
        retry=retry_if_exception_type(retry_on),
        stop=stop_when_event_set(stopped),
        wait=wait_fixed(pause_s),
        sleep=sleep_using_event(stopped),
        before_sleep=lambda state: on_error(_error(state)),
        retry_error_callback=lambda _: None,
    )(attempt)


def _pause_s(state: RetryCallState) -> float:
    """Not the same for all workers, and as long as the server has asked for (Retry-After)."""
    asked_s = getattr(_error(state), "retry_after_s", None)
    return max(asked_s or 0.0, _growing_pause_s(state) * random.uniform(0.5, 1.0))  # noqa: S311


def _log_retry(state: RetryCallState) -> None:
    log.warning("%s; next try in %.1f s", _error(state), state.upcoming_sleep)


def _error(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    if error is None:
        raise AssertionError("tenacity asks about an attempt that raised")
    return error
