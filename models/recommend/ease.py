"""EASE: the item-to-item regression with a closed form."""

from typing import ClassVar

import numpy as np
from scipy.linalg import lapack

from models.recommend.co_occurrence import CoOccurrence
from models.recommend.linear_form import Float32s


class Ease(CoOccurrence):
    """B = I - P diag(P)^-1, P = (X'X + regularization I)^-1 [1]_.

    A refit inverts one matrix of n_items; the cost grows with the cube.

    References
    ----------
    .. [1] H. Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
    """

    name: ClassVar[str] = "ease"

    def __init__(self, n_items: int, regularization: float = 300.0, reach: int = 40, decay: float = 0.9) -> None:
        super().__init__(n_items, reach, decay)
        self._regularization = regularization

    def _made(self, counts: Float32s) -> Float32s:
        inverse = _inverse(counts + self._regularization * np.eye(self.n_items, dtype=np.float32))
        table: Float32s = inverse / -np.diag(inverse)
        np.fill_diagonal(table, 0.0)
        return table


def _inverse(positive: Float32s) -> Float32s:
    """Of a symmetric positive definite matrix, by Cholesky: a third of the work of a general inverse."""
    factor, failed = lapack.spotrf(positive, lower=True)
    if failed:
        raise np.linalg.LinAlgError("The counts are not those of whole histories: their matrix has no inverse")
    lower, _ = lapack.spotri(factor, lower=True)
    whole: Float32s = np.tril(lower) + np.tril(lower, -1).T
    return whole
