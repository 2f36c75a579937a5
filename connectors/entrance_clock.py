"""The wall clock of an entrance, checked against Kafka's (docs/adr/0034).

Event times may be at most 5 minutes later than Kafka's append time. With a wrong clock every message without a time of
its own would be refused, or get a time that an earlier one of its device has.
"""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from connectors.entrance_records import epoch_ms

log = logging.getLogger(__name__)

MAX_DIFFERENCE_MS = 60_000
"""Smaller differences between two hosts' clocks are left alone; event times may be 300,000 ms ahead."""

AGREED_WITHIN_MS = 24 * 60 * 60 * 1000
"""A clock that agreed with Kafka's so lately, and was not set since, has not drifted away by itself."""

ESTIMATE_WITHIN_MS = 1000
"""A correction is not adjusted by less: what is measured contains the time that a record took."""


def since_boot_ms() -> int:
    """A clock that nobody sets and that runs on while the machine sleeps."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


class Sent(NamedTuple):
    """When a record was handed to Kafka's client, by the wall clock and by this one."""

    wall_ms: int
    ms: int
    steps: int


class EntranceClock:
    """ms since the epoch: the host's wall clock, or Kafka's where the two differ by over a minute.

    A step of the wall clock forward counts once an append time confirms it; a step back counts at once, because a time
    in the past is never refused, and is taken back if Kafka's clock did not go back too.

    Kafka's clock is not followed ahead if it was set while the two agreed: nothing is refused for being behind it.

    Parameters
    ----------
    wall_ms, boot_ms
        The host's clocks.
    """

    def __init__(self, wall_ms: Callable[[], int] = epoch_ms, boot_ms: Callable[[], int] = since_boot_ms) -> None:
        self._wall_ms = wall_ms
        self._boot_ms = boot_ms
        self._seen_ms = wall_ms()
        self._base_ms = self._seen_ms - boot_ms()
        self._steps = 0
        self._agreed_ms: int | None = None  # by the boot clock; None since the wall clock was set
        self._kafka_was_set = False
        self.correction_ms = 0
        """What is added to the wall clock."""

    def __call__(self) -> int:
        """The time now."""
        wall_ms = self._wall_ms()
        if wall_ms != self._seen_ms:
            self._compare(wall_ms)
        return wall_ms + self.correction_ms

    def sent(self) -> Sent:
        """Call as a record is handed over, and pass the result to `appended`."""
        ms = self()
        return Sent(ms - self.correction_ms, ms, self._steps)

    def appended(self, sent: Sent, append_ms: int) -> None:
        """Kafka stored a record at `append_ms` of its clock. It did so after `sent` and before now."""
        ms = self()
        if sent.steps != self._steps:
            return
        wall_ms = ms - self.correction_ms
        if sent.wall_ms - MAX_DIFFERENCE_MS <= append_ms <= wall_ms + MAX_DIFFERENCE_MS:
            self._agreed_ms, self._kafka_was_set = self._boot_ms(), False
            self._correct(0)
        elif append_ms < sent.ms - ESTIMATE_WITHIN_MS:
            self._correct(append_ms - sent.wall_ms)
        elif append_ms > ms + ESTIMATE_WITHIN_MS:
            self._correct(0 if self._is_kafka_wrong(append_ms - wall_ms) else append_ms - wall_ms)

    def _is_kafka_wrong(self, ahead_ms: int) -> bool:
        """Whether Kafka's clock was set ahead, and not this one behind."""
        if self._kafka_was_set:
            return True
        lately = self._agreed_ms is not None and self._boot_ms() - self._agreed_ms <= AGREED_WITHIN_MS
        self._kafka_was_set = lately and ahead_ms > 2 * MAX_DIFFERENCE_MS
        if not self._kafka_was_set:
            self._agreed_ms = None  # this clock drifts: what follows is no jump either
        else:
            log.error(
                "Kafka's clock was set ahead by %.1f s and this host's was not: times of receipt follow this host's. "
                "Set the clocks of both hosts by NTP.",
                ahead_ms / 1000,
            )
        return self._kafka_was_set

    def _compare(self, wall_ms: int) -> None:
        """Whether the wall clock was set since it was last seen."""
        self._seen_ms = wall_ms
        base_ms = wall_ms - self._boot_ms()
        if not -MAX_DIFFERENCE_MS <= base_ms - self._base_ms <= MAX_DIFFERENCE_MS:
            self._step(base_ms - self._base_ms)
        self._base_ms = base_ms

    def _step(self, by_ms: int) -> None:
        self._steps += 1
        self._agreed_ms, self._kafka_was_set = None, False
        if by_ms > 0:
            self.correction_ms -= by_ms
        elif self.correction_ms < 0:
            self.correction_ms = min(0, self.correction_ms - by_ms)
        log.warning("The clock of this host was set by %+.1f s.", by_ms / 1000)

    def _correct(self, correction_ms: int) -> None:
        if correction_ms == self.correction_ms:
            return
        self.correction_ms = correction_ms
        if correction_ms:
            log.error(
                "The clock of this host differs from Kafka's by %+.1f s: times of receipt follow Kafka's. Set the "
                "clocks of both hosts by NTP.",
                -correction_ms / 1000,
            )
        else:
            log.info("The clock of this host agrees with Kafka's: times of receipt follow it.")
