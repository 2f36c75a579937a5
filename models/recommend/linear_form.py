"""What every recommender comes down to: a prior, and a table that the recent items look up."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FLOOR = 0.01
"""Of a blended score, as a share of its largest: no part can rule an item out alone."""

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Score of item j = prior[j] + sum of decay^age(h) * table[h, j] over the last `reach` items h; the newest: age 0.

    Parameters
    ----------
    prior
        Shape `(n_items,)`.
    table
        Shape `(n_items, n_items)`; None where the history does not matter.
    """

    prior: Float32s
    table: Float32s | None = None
    reach: int = 0
    decay: float = 1.0


def recency(n: int, decay: float) -> Float32s:
    """Weights of the last `n` items, the oldest first.

    >>> recency(3, 0.5)
    array([0.25, 0.5 , 1.  ], dtype=float32)
    """
    return np.power(np.float32(decay), np.arange(n - 1, -1, -1, dtype=np.float32))
