"""Which row of a fleet's arrays a series has."""

from collections.abc import Iterable, Sequence

import numpy as np

from models.detectors.fleet import Rows

SeriesKey = tuple[str, str]
"""Device and metric."""


class SeriesIndex(dict[SeriesKey, int]):
    """Series to row; a series that is new gets the next one.

    The one lookup by key a reading costs: everything behind it works on rows.

    Examples
    --------
    >>> index = SeriesIndex()
    >>> index.rows([("pump-1", "temperature"), ("pump-2", "temperature"), ("pump-1", "temperature")])
    array([0, 1, 0])
    """

    def __init__(self, keys: Iterable[SeriesKey] = ()) -> None:
        super().__init__((key, row) for row, key in enumerate(keys))

    def __missing__(self, key: SeriesKey) -> int:
        row = self[key] = len(self)
        return row

    def rows(self, keys: Sequence[SeriesKey]) -> Rows:
        """The rows of `keys`, shape `(n,)`."""
        return np.fromiter(map(self.__getitem__, keys), np.int64, len(keys))
