"""A difference: what does not add up, and where."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

MAX_NAMED = 10
"""Ranges of one kind that are named one by one; the rest is summed up, so that a list stays readable."""

Range = tuple[int, int, int]
"""Partition, first offset, last offset (included)."""


@dataclass(frozen=True)
class Difference:
    """What is wrong with a range of offsets, or, without a topic, with something outside of Kafka.

    >>> print(Difference("items missing", "telemetry.raw", 1, 120, 131))
    telemetry.raw[1] 120..131: items missing
    >>> print(Difference("the MQTT broker has dropped 3 messages"))
    the MQTT broker has dropped 3 messages
    """

    what: str
    topic: str | None = None
    partition: int | None = None
    first: int | None = None
    last: int | None = None
    """Included."""

    def __str__(self) -> str:
        if self.topic is None:
            return self.what
        offsets = f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"
        return f"{self.topic}[{self.partition}] {offsets}: {self.what}"

    def as_json(self) -> dict[str, object]:
        """Its fields, and as text."""
        return {**asdict(self), "text": str(self)}


def named(what: str, topic: str, ranges: Iterable[Range]) -> list[Difference]:
    """A difference for each range; of very many the first, and one that sums up the others.

    >>> [str(each) for each in named("items missing", "telemetry.raw", [(0, 3, 5), (1, 12, 12)])]
    ['telemetry.raw[0] 3..5: items missing', 'telemetry.raw[1] 12: items missing']
    """
    found: list[Difference] = []
    more = others = 0
    for partition, first, last in ranges:
        if len(found) < MAX_NAMED:
            found.append(Difference(what, topic, partition, first, last))
        else:
            more, others = more + 1, others + last - first + 1
    if more:
        found.append(Difference(f"{what} in {more:,} more ranges of {topic}, {others:,} offsets"))
    return found


def merged(ranges: Iterable[Range]) -> Iterator[Range]:
    """Sorted ranges without those that touch or overlap.

    >>> list(merged([(0, 3, 4), (0, 4, 5), (0, 6, 6), (0, 9, 9), (1, 10, 10)]))
    [(0, 3, 6), (0, 9, 9), (1, 10, 10)]
    """
    current: Range | None = None
    for partition, first, last in ranges:
        if current and current[0] == partition and first <= current[2] + 1:
            current = (partition, current[1], max(current[2], last))
        else:
            if current:
                yield current
            current = (partition, first, last)
    if current:
        yield current
