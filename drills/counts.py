"""What was sent against what is there: lost and doubled, by place. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Identity = tuple[str, int]
"""Device and event time in ms; the metric is one."""


@dataclass(frozen=True)
class Counts:
    """Readings that a place lacks, and readings that it has more than once."""

    lost: Mapping[str, int] = field(default_factory=dict)
    doubled: Mapping[str, int] = field(default_factory=dict)

    @property
    def most_lost(self) -> int:
        return max(self.lost.values(), default=0)

    @property
    def most_doubled(self) -> int:
        return max(self.doubled.values(), default=0)


def identities(times: Mapping[str, Sequence[int]]) -> set[Identity]:
    """Of everything that was sent."""
    return {(device, time_ms) for device, sent in times.items() for time_ms in sent}


def missing(sent: set[Identity], found: Counter[Identity]) -> int:
    """How many were sent and are not there.

    >>> missing({("a", 1), ("a", 2)}, Counter([("a", 1)]))
    1
    """
    return len(sent - found.keys())


def surplus(sent: set[Identity], found: Counter[Identity]) -> int:
    """How many are there beyond one each, and how many that were never sent.

    >>> surplus({("a", 1)}, Counter([("a", 1), ("a", 1), ("b", 7)]))
    2
    """
    return found.total() - len(sent & found.keys())


def counted(lost: Mapping[str, int], doubled: Mapping[str, int]) -> Counts:
    """Without the places where all is well."""
    return Counts({place: n for place, n in lost.items() if n}, {place: n for place, n in doubled.items() if n})
