"""A batch cut in rounds in which no series comes twice."""

from itertools import pairwise

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
    return len(rows) == 0 or bool(np.bincount(rows).max() == 1)


def rounds(rows: Rows) -> list[Rows]:
    """Places in `rows`, in rounds: the first reading of each series, then the second of each, and so on.

    What is sequential inside a series can be computed for a whole round at once.

    Examples
    --------
    >>> rounds(np.array([4, 1, 4, 4]))
    [array([1, 0]), array([2]), array([3])]
    """
    order = np.argsort(rows, kind="stable")
    if all_distinct(rows):
        return [order] if len(rows) else []
    rank = ranks(rows[order])
    by_rank = order[np.argsort(rank, kind="stable")]
    ends = np.cumsum(np.bincount(rank)).tolist()
    return [by_rank[start:end] for start, end in pairwise([0, *ends])]
