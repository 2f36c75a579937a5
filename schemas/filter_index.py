"""Topic filters by their levels: which of them matches every topic that another one matches."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.topic_pattern import TopicPattern


@dataclass(slots=True)
class _Level:
    below: "dict[str, _Level]" = field(default_factory=dict)
    number: int | None = None
    """Of the first filter that ends here."""


class FilterIndex:
    """Filters in the order in which they were added. Finds one by its levels, without a look at all the others.

    Examples
    --------
    >>> index = FilterIndex()
    >>> for each in ("plant/+/temperature", "plant/#"):
    ...     index.add(TopicPattern(each))
    >>> index.first_covering(TopicPattern("plant/{line}/speed")).pattern
    'plant/#'
    """

    def __init__(self) -> None:
        self._root = _Level()
        self._patterns: list[TopicPattern] = []

    def add(self, pattern: TopicPattern) -> None:
        """A filter behind those that are here."""
        level = self._root
        for name in pattern.filter.split("/"):
            level = level.below.setdefault(name, _Level())
        if level.number is None:
            level.number = len(self._patterns)
        self._patterns.append(pattern)

    def first_covering(self, pattern: TopicPattern) -> TopicPattern | None:
        """The first filter that matches every topic that this one matches, or None where there is none."""
        numbers = [number for number in self._covering(pattern.filter.split("/")) if number is not None]
        return self._patterns[min(numbers)] if numbers else None

    def _covering(self, levels: list[str]) -> Iterator[int | None]:
        reached = [self._root]
        for depth, level in enumerate(levels):
            # No wildcard at the beginning matches a topic of the broker's own [MQTT-4.7.2-1].
            wildcards = depth > 0 or not level.startswith("$")
            if wildcards:
                yield from _ends(reached, "#")
            if level == "#":
                return
            names = {level, "+"} if wildcards else {level}
            reached = [found for each in reached for name in names if (found := each.below.get(name))]
        yield from _ends(reached, "#")  # also matches the parent level [MQTT-4.7.1-2]
        yield from (each.number for each in reached)


def _ends(reached: list[_Level], name: str) -> Iterator[int | None]:
    yield from (each.below[name].number for each in reached if name in each.below)
