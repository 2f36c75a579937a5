"""A batch cut in rounds in which no series comes twice."""

import numpy as np

from models.detectors.fleet import Rows


def ranks(sorted_rows: Rows) -> Rows:
    """How many entries of the same series stand before each one, for `sorted_rows` of shape `(n,)`.

    Examples
    --------
    >>> ranks(np.array([0, 0, 0, 2, 5, 5]))
    array([0, 1, 2, 0, 0, 1])
    """
    places = np.arange(len(sorted_rows))
    starts = np.zeros(len(sorted_rows), np.int64)
    starts[1:] = np.where(sorted_rows[1:] != sorted_rows[:-1], places[1:], 0)
    own_start: Rows = np.maximum.accumulate(starts)
    return places - own_start


def all_distinct(rows: Rows) -> bool:
    """Whether no series comes twice."""
    in_order = np.sort(rows)
    return not (in_order[1:] == in_order[:-1]).any()


def rounds(rows: Rows) -> tuple[Rows, list[int]]:
    """An order of `rows` in rounds: the first reading of each series, then the second of each, and so on.

    What is sequential inside a series can be computed for a whole round at once. The series of a round are the first
    ones of the round before, in its order: columns of a round are a slice, and so is what the series have learned.

    Returns
    -------
    order
        Places in `rows`, shape `(n,)`.
    ends
        Where each round ends in it.

    Examples
    --------
    >>> rounds(np.array([1, 4, 4, 4, 1]))
    (array([1, 0, 2, 4, 3]), [2, 4, 5])
    """
    by_series = np.argsort(rows, kind="stable")
    rank = ranks(rows[by_series])
    starts = np.flatnonzero(rank == 0)
    lengths = np.diff(np.append(starts, len(rows)))
    order = by_series[np.lexsort((np.repeat(-lengths, lengths), rank))]
    return order, np.cumsum(np.bincount(rank)).tolist()
