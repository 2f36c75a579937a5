"""Which values a label of a metric may have: so many at most, whatever the records say."""

from typing import NamedTuple, Protocol


class Admitted(NamedTuple):
    """Under which value something counts, and which value has no place any more because of it."""

    value: str
    gone: str | None = None


class LabelValues(Protocol):
    """The values of one label."""

    def admit(self, value: str, time_ms: int) -> Admitted:
        """Something with this value, of this time, is to be counted."""


class NewestNames:
    """The last `most` names in their order; for versions, whose names begin with the time when they were made.

    Examples
    --------
    >>> versions = NewestNames(2, "older")
    >>> [versions.admit(name, 0) for name in ("v1", "v2", "v3", "v1")]  # doctest: +NORMALIZE_WHITESPACE
    [Admitted(value='v1', gone=None), Admitted(value='v2', gone=None), Admitted(value='v3', gone='v1'),
     Admitted(value='older', gone=None)]
    """

    def __init__(self, most: int, older: str) -> None:
        self._most, self._older = most, older
        self._kept: set[str] = set()

    def admit(self, value: str, time_ms: int) -> Admitted:
        if value in self._kept:
            return Admitted(value)
        if len(self._kept) < self._most:
            self._kept.add(value)
            return Admitted(value)
        oldest = min(self._kept)
        if value < oldest:
            return Admitted(self._older)
        self._kept.remove(oldest)
        self._kept.add(value)
        return Admitted(value, oldest)


class UnlessTooMany:
    """The first `most` values; a further one takes the place of one that was silent for `silent_ms`, else it has none.

    So what an application makes up by the thousand pushes nothing out that is counted at the same time.

    Examples
    --------
    >>> actions = UnlessTooMany(1, "other", silent_ms=1000)
    >>> actions.admit("click", 0), actions.admit("buy", 999), actions.admit("buy", 1000)
    (Admitted(value='click', gone=None), Admitted(value='other', gone=None), Admitted(value='buy', gone='click'))
    """

    def __init__(self, most: int, other: str, silent_ms: int) -> None:
        self._most, self._other, self._silent_ms = most, other, silent_ms
        self._newest_ms: dict[str, int] = {}

    def admit(self, value: str, time_ms: int) -> Admitted:
        newest_ms, gone = self._newest_ms, None
        if value not in newest_ms and len(newest_ms) >= self._most:
            gone = min(newest_ms, key=newest_ms.__getitem__)
            if newest_ms[gone] + self._silent_ms > time_ms:
                return Admitted(self._other)
            del newest_ms[gone]
        newest_ms[value] = max(time_ms, newest_ms.get(value, time_ms))
        return Admitted(value, gone)
