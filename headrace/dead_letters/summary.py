"""What `dlq ls` shows: counts by reason, stage and device over time, and the newest dead letters. Bounded memory."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from headrace.dead_letters.stored_dead_letter import DeadLetterId, StoredDeadLetter

BUCKETS = 16
MAX_GROUPS = 10_000
OTHERS = "(others)"
"""The device of all groups beyond the first MAX_GROUPS."""
EXCERPT_BYTES = 80
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class TimeAxis:
    """BUCKETS spans of equal length from `start_ms`, included, to `end_ms`."""

    start_ms: int
    end_ms: int

    def bucket(self, ms: int) -> int:
        """The place of a time on the axis; what is later than the end is in the last.

        >>> TimeAxis(0, 16_000).bucket(1500), TimeAxis(0, 16_000).bucket(99_000)
        (1, 15)
        """
        span = max(1, self.end_ms - self.start_ms)
        return min(BUCKETS - 1, max(0, (ms - self.start_ms) * BUCKETS // span))


@dataclass
class Group:
    """Dead letters of one reason, stage and device."""

    dead_letters: int = 0
    newest_ms: int = 0
    over_time: list[int] = field(default_factory=lambda: [0] * BUCKETS)


@dataclass(frozen=True, order=True)
class SummaryRow:
    """One of the newest dead letters, without its bytes."""

    time_ms: int
    id: DeadLetterId
    reason: str = field(compare=False)
    stage: str = field(compare=False)
    device: str | None = field(compare=False)
    detail: str | None = field(compare=False)
    replays: int = field(compare=False)
    size: int = field(compare=False)
    excerpt: bytes = field(compare=False)


class Summary:
    """Takes dead letters in any order."""

    def __init__(self, axis: TimeAxis, newest: int) -> None:
        self.axis = axis
        self.dead_letters = 0
        self.groups: dict[tuple[str, str, str | None], Group] = {}
        self._most_newest = newest
        self._newest: list[SummaryRow] = []

    def add(self, kept: StoredDeadLetter) -> None:
        self.dead_letters += 1
        group = self._group(kept)
        group.dead_letters += 1
        group.newest_ms = max(group.newest_ms, kept.time_ms)
        group.over_time[self.axis.bucket(kept.time_ms)] += 1
        if not self._most_newest:
            return
        if len(self._newest) < self._most_newest:
            heapq.heappush(self._newest, _row(kept))
        elif (kept.time_ms, kept.id) > (self._newest[0].time_ms, self._newest[0].id):
            heapq.heapreplace(self._newest, _row(kept))

    @property
    def newest(self) -> list[SummaryRow]:
        """The newest first."""
        return sorted(self._newest, reverse=True)

    @property
    def largest(self) -> list[tuple[tuple[str, str, str | None], Group]]:
        """Groups, those with most dead letters first."""
        return sorted(self.groups.items(), key=lambda each: (-each[1].dead_letters, -each[1].newest_ms))

    def _group(self, kept: StoredDeadLetter) -> Group:
        key = (kept.reason, kept.stage, kept.device)
        if key not in self.groups and len(self.groups) >= MAX_GROUPS:
            key = (kept.reason, kept.stage, OTHERS)
        return self.groups.setdefault(key, Group())


def sparkline(counts: Sequence[int]) -> str:
    """One character a count, as high as its share of the largest; a space for none.

    >>> sparkline([0, 1, 4, 8])
    ' ▁▄█'
    """
    most = max(counts, default=0)
    return "".join(BARS[math.ceil(count * len(BARS) / most) - 1] if count else " " for count in counts)


def _row(kept: StoredDeadLetter) -> SummaryRow:
    dead_letter = kept.dead_letter
    return SummaryRow(
        kept.time_ms, kept.id, kept.reason, kept.stage, kept.device,
        dead_letter.detail if dead_letter else kept.unreadable,
        dead_letter.replays if dead_letter else 0,
        dead_letter.original_size if dead_letter else len(kept.value),
        kept.payload[:EXCERPT_BYTES],
    )  # fmt: skip
