"""Arrays with one entry (or one row) a series, which grow as series come."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_Item = TypeVar("_Item", bound=np.generic)


def grown(column: npt.NDArray[_Item], n_used: int, n_series: int, fill: float) -> npt.NDArray[_Item]:
    """`column` with the entries from `n_used` to `n_series` set to `fill`.

    Room is added in small parts (1/32) and not by doubling: a bucket knows its series after a few seconds, and
    the room that is left over is memory for its whole life.

    Examples
    --------
    >>> grown(np.zeros(2), 2, 4, fill=7.0)[:4]
    array([0., 0., 7., 7.])
    """
    if n_series > len(column):
        larger = np.empty((n_series + n_series // 32 + 4, *column.shape[1:]), column.dtype)
        larger[:n_used] = column[:n_used]
        column = larger
    column[n_used:n_series] = fill
    return column
