"""Which dead letters a command is about."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from headrace.dead_letters.errors import BadFilter
from headrace.dead_letters.stored_dead_letter import UNREADABLE, StoredDeadLetter
from headrace.time_parsing import moment_ms
from schemas.reject_reasons import RejectReason


@dataclass(frozen=True)
class Filters:
    """Empty sets and None let everything through; `since_ms` is included, `until_ms` is not."""

    reasons: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    @classmethod
    def of(
        cls,
        reasons: Iterable[str] | None = None,
        stages: Iterable[str] | None = None,
        devices: Iterable[str] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Self:
        """From what a person typed.

        Raises
        ------
        BadFilter
            For a reason that is not on the closed list, and for no time.
        """
        chosen = frozenset(reasons or ())
        if unknown := chosen - {UNREADABLE, *RejectReason}:
            raise BadFilter(f"no reason {min(unknown)!r}; there are {', '.join(RejectReason)} and {UNREADABLE}")
        return cls(chosen, frozenset(stages or ()), frozenset(devices or ()), moment(since), moment(until))

    @property
    def lets_everything_through(self) -> bool:
        return self == Filters()

    def match(self, kept: StoredDeadLetter) -> bool:
        """Whether this dead letter is meant."""
        return (
            (not self.reasons or kept.reason in self.reasons)
            and (not self.stages or kept.stage in self.stages)
            and (not self.devices or kept.device in self.devices)
            and (self.since_ms is None or kept.time_ms >= self.since_ms)
            and (self.until_ms is None or kept.time_ms < self.until_ms)
        )


def moment(text: str | None) -> int | None:
    """Milliseconds since the epoch of what a person typed.

    Raises
    ------
    BadFilter
    """
    if text is None:
        return None
    try:
        return moment_ms(text, time.time_ns() // 10**6)
    except (ValueError, OverflowError) as error:
        raise BadFilter(str(error)) from error
