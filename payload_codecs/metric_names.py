"""Which metrics a source keeps, and how it names them."""

from functools import lru_cache

from schemas.glob import glob_pattern, renamed
from schemas.limits import MAX_NAME_LENGTH
from schemas.source import Source

MAX_REMEMBERED = 20_000


class MetricNames:
    """`include`, `exclude` and `rename` of a source.

    Examples
    --------
    >>> source = Source(name="a", topic="a/{device}", codec="json", values="@", exclude=["*.id"], rename={"t": "temp"})
    >>> names = MetricNames(source)
    >>> names.name("t"), names.name("humidity"), names.name("switch:0.id")
    ('temp', 'humidity', None)
    """

    def __init__(self, source: Source) -> None:
        self._include = tuple(map(glob_pattern, source.include))
        self._exclude = tuple(map(glob_pattern, source.exclude))
        self._rename = tuple(source.rename.items())
        self.name = lru_cache(MAX_REMEMBERED)(self._name)
        """The name of a metric as sent; None where the source does not keep it."""

    def _name(self, sent: str) -> str | None:
        if len(sent) > MAX_NAME_LENGTH:
            return sent  # is no name, which validation says
        if self._include and not any(pattern.fullmatch(sent) for pattern in self._include):
            return None
        if any(pattern.fullmatch(sent) for pattern in self._exclude):
            return None
        return next((new for glob, name in self._rename if (new := renamed(sent, glob, name)) is not None), sent)
