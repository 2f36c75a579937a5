"""Limits the cardinality of metric labels: a bounded number of values, whatever the records contain."""

from typing import NamedTuple, Protocol


class LabelValue(NamedTuple):
    """The value to count under, and the value that was evicted to make room for it."""

    value: str
    evicted: str | None = None


class BoundedLabel(Protocol):
    """The values of one label."""

    def value_for(self, value: str, time_ms: int) -> LabelValue:
        """Where to count something with this value and time."""


class NewestValues:
    """Keeps the greatest `max_values` in sort order: for versions, whose names begin with the time of their training.

    Examples
    --------
    >>> versions = NewestValues(2, "older")
    >>> [versions.value_for(name, 0) for name in ("v1", "v2", "v3", "v1")]  # doctest: +NORMALIZE_WHITESPACE
    [LabelValue(value='v1', evicted=None), LabelValue(value='v2', evicted=None), LabelValue(value='v3', evicted='v1'),
     LabelValue(value='older', evicted=None)]
    """

    def __init__(self, max_values: int, older: str) -> None:
        self._max_values, self._older = max_values, older
        self._kept: set[str] = set()

    def value_for(self, value: str, time_ms: int) -> LabelValue:
        if value in self._kept:
            return LabelValue(value)
        if len(self._kept) < self._max_values:
            self._kept.add(value)
            return LabelValue(value)
        oldest = min(self._kept)
        if value < oldest:
            return LabelValue(self._older)
        self._kept.remove(oldest)
        self._kept.add(value)
        return LabelValue(value, oldest)


class ActiveValues:
    """Keeps the first `max_values`; a new value replaces one that was idle for `idle_ms`, else it counts as `other`.

    An application that invents values by the thousand thus evicts none that is in use.

    Examples
    --------
    >>> actions = ActiveValues(1, "other", idle_ms=1000)
    >>> [actions.value_for(*each).value for each in (("click", 0), ("buy", 999), ("buy", 1000))]
    ['click', 'other', 'buy']
    """

    def __init__(self, max_values: int, other: str, idle_ms: int) -> None:
        self._max_values, self._other, self._idle_ms = max_values, other, idle_ms
        self._newest_ms: dict[str, int] = {}

    def value_for(self, value: str, time_ms: int) -> LabelValue:
        newest_ms, evicted = self._newest_ms, None
        if value not in newest_ms and len(newest_ms) >= self._max_values:
            evicted = min(newest_ms, key=newest_ms.__getitem__)
            if newest_ms[evicted] + self._idle_ms > time_ms:
                return LabelValue(self._other)
            del newest_ms[evicted]
        newest_ms[value] = max(time_ms, newest_ms.get(value, time_ms))
        return LabelValue(value, evicted)
