"""Matrix factorisation whose users are folded in: the few directions along which histories differ most."""

from typing import ClassVar

import numpy as np
from scipy.linalg import eigh

from models.recommend.co_occurrence import CoOccurrence
from models.recommend.linear_form import Float32s

MAX_FACTORS = 50


class Factors(CoOccurrence):
    """PureSVD [1]_: a history projected on V, the first `n_factors` right singular vectors of users by items: V V'.

    V are eigenvectors of the counts X'X. So neither users nor their factors are kept, and a history that was never
    seen is one multiplication. A refit is LAPACK's, by scipy; the cost grows with the cube of n_items.

    Parameters
    ----------
    n_factors
        50 if it is not given, but no more than a quarter of the items: as many factors as items would tell of each
        item itself and of nothing else.

    References
    ----------
    .. [1] P. Cremonesi, Y. Koren, R. Turrin, Performance of recommender algorithms on top-N recommendation tasks,
       RecSys 2010.
    """

    name: ClassVar[str] = "factors"

    def __init__(self, n_items: int, n_factors: int | None = None, reach: int = 40, decay: float = 0.9) -> None:
        super().__init__(n_items, reach, decay)
        self._n_factors = n_factors or min(MAX_FACTORS, max(n_items // 4, 1))

    def _made(self, counts: Float32s) -> Float32s:
        # Eigenvalues come in ascending order.
        _, vectors = eigh(counts, subset_by_index=(self.n_items - self._n_factors, self.n_items - 1))
        table: Float32s = vectors @ vectors.T
        np.fill_diagonal(table, 0.0)
        return table
