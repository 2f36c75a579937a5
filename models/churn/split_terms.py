"""A sum of small trees as a weighted sum of products of splits, which one matrix product evaluates.

A processor guesses which way a row takes at a node, and is often wrong: a row costs a tree ensemble about 10 ns a
node. Trees of a few leaves share their splits. With a bit for each distinct split, 1 where the row goes left, a
tree is a polynomial of these bits. A product of k conditions, bits b and 1 - b, is max(0, 1 - k + how many hold).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.churn.calibration import Floats
from models.churn.tree_nodes import LEAF, Tree, rounded_down

PRODUCTS_A_NODE = 150
"""Multiplications of a matrix product for one node of a tree. Both took the same time at 300, on a processor with
AVX-512; narrower vectors take twice as long."""

Split = tuple[int, float]
Condition = tuple[Split, bool]
Polynomial = dict[frozenset[Condition], float]
ONE: frozenset[Condition] = frozenset()


@dataclass(frozen=True)
class SplitTerms:
    """base + weights · bits + term_weights · max(0, conditions · bits + offsets).

    Parameters
    ----------
    features, thresholds
        Shape `(n_splits,)`. The bit of a split is whether the feature is at most the threshold.
    weights
        Of each bit by itself. Shape `(n_splits,)`.
    conditions, offsets, term_weights
        Of the products of several conditions. Shapes `(n_terms, n_splits)`, `(n_terms,)`, `(n_terms,)`.
    """

    features: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float32]
    base: float
    weights: Floats
    conditions: Floats
    offsets: Floats
    term_weights: Floats


def split_terms(trees: Sequence[Tree], base: float) -> SplitTerms | None:
    """The same sum; None where following the trees is cheaper."""
    total: Polynomial = defaultdict(float, {ONE: base})
    for tree in trees:
        for product, weight in _polynomial(tree, 0).items():
            total[product] += weight
    splits = sorted({split for product in total for split, _ in product})
    n_terms = sum(len(product) > 1 for product in total)
    if len(splits) * n_terms > PRODUCTS_A_NODE * sum(map(_nodes_passed, trees)):
        return None
    return _arranged(total, splits, n_terms)


def _polynomial(tree: Tree, node: int) -> Polynomial:
    """Right + bit * (left - right), where left and right are 0 but for their constants."""
    if tree.feature[node] == LEAF:
        return {ONE: tree.value[node]}
    split = tree.feature[node], float(rounded_down(tree.threshold[node]))
    left, right = _polynomial(tree, tree.left[node]), _polynomial(tree, tree.right[node])
    otherwise = right.pop(ONE, 0.0)
    made: Polynomial = defaultdict(float, {ONE: otherwise, frozenset({(split, True)}): left.pop(ONE, 0.0) - otherwise})
    for goes_left, terms in ((True, left), (False, right)):
        for product, weight in terms.items():
            if (split, not goes_left) not in product:  # it cannot hold
                made[product | {(split, goes_left)}] += weight
    return made


def _nodes_passed(tree: Tree) -> float:
    """From the root to a leaf, on average over leaves."""
    depths, waiting = [], [(0, 0)]
    while waiting:
        node, depth = waiting.pop()
        if tree.feature[node] == LEAF:
            depths.append(depth)
        else:
            waiting += [(tree.left[node], depth + 1), (tree.right[node], depth + 1)]
    return float(np.mean(depths))


def _arranged(total: Polynomial, splits: list[Split], n_terms: int) -> SplitTerms:
    place = {split: number for number, split in enumerate(splits)}
    base, weights = total.pop(ONE), np.zeros(len(splits))
    conditions, offsets, term_weights = np.zeros((n_terms, len(splits))), np.zeros(n_terms), np.zeros(n_terms)
    term = 0
    for product, weight in total.items():
        signs = {place[split]: 1.0 if goes_left else -1.0 for split, goes_left in product}
        if len(product) == 1:
            ((split, sign),) = signs.items()
            weights[split] += sign * weight
            base += weight if sign < 0 else 0.0
        else:
            conditions[term, list(signs)] = list(signs.values())
            offsets[term] = 1 - sum(sign > 0 for sign in signs.values())
            term_weights[term] = weight
            term += 1
    features = np.array([feature for feature, _ in splits], np.int64)
    thresholds: Any = np.array([threshold for _, threshold in splits], np.float32)
    return SplitTerms(features, thresholds, base, weights, conditions, offsets, term_weights)
