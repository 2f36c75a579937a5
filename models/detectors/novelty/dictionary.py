"""At most 64 rows that stand for all that a view of a series has ever shown."""

import numpy as np
import numpy.typing as npt

from models.detectors.compiled import compiled

ROWS = 64
GROWTH = 25, 16
"""Of the squared radius when the dictionary is full, as a fraction: 1.25 squared."""

Row = npt.NDArray[np.int16]
Steps = npt.NDArray[np.int16]
"""Shape `(dimensions * ROWS,)`: the first coordinate of all rows, then the second."""


@compiled
def nearest(steps: Steps, n: int, row: Row) -> int:
    """Squared distance of `row`, shape `(dimensions,)`, from the nearest of the first `n` rows; -1 if there is none."""
    best = -1
    for q in range(n):
        total = 0
        for t in range(len(row)):
            off = int(row[t]) - int(steps[t * ROWS + q])
            total += off * off
        if best < 0 or total < best:
            best = total
    return best


@compiled
def remember(steps: Steps, n: int, radius2: int, row: Row) -> tuple[int, int]:
    """Take `row` in unless it lies within the radius of one that is there; gives the number of rows and the radius.

    When there is no room the radius grows and rows within it become one: streaming k-centre by doubling [1]_. So the
    dictionary covers all that ever was, at a resolution that falls, and nothing rare is pushed out by what is frequent.

    References
    ----------
    .. [1] M. Charikar, C. Chekuri, T. Feder and R. Motwani, Incremental clustering and dynamic information retrieval,
       SIAM Journal on Computing 33(6), 2004.
    """
    if n > 0 and nearest(steps, n, row) <= radius2:
        return n, radius2
    while n == ROWS:
        radius2 = radius2 * GROWTH[0] // GROWTH[1] + 1
        n = _merge(steps, n, radius2, len(row))
    for t in range(len(row)):
        steps[t * ROWS + n] = row[t]
    return n + 1, radius2


@compiled
def _merge(steps: Steps, n: int, radius2: int, dimensions: int) -> int:
    q = 0
    while q < n:
        p = q + 1
        while p < n:
            total = 0
            for t in range(dimensions):
                off = int(steps[t * ROWS + q]) - int(steps[t * ROWS + p])
                total += off * off
            if total <= radius2:
                n -= 1
                for t in range(dimensions):
                    steps[t * ROWS + p] = steps[t * ROWS + n]
            else:
                p += 1
        q += 1
    return n
