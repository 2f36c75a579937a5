"""Products of splits add up to what the trees do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.split_terms import split_terms
from models.churn.tree_nodes import LEAF, Tree

FEATURES = 3
values = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0])


@st.composite
def trees(draw, depth=3):
    tree = Tree()
    grow(draw, tree, depth)
    return tree


def grow(draw, tree, depth):
    if depth == 0 or draw(st.booleans()):
        return tree.add(LEAF, 0.0, draw(st.floats(-10, 10)))
    node = tree.add(draw(st.integers(0, FEATURES - 1)), draw(values), 0.0)
    tree.left[node] = grow(draw, tree, depth - 1)
    tree.right[node] = grow(draw, tree, depth - 1)
    return node


def followed(tree, row):
    node = 0
    while tree.feature[node] != LEAF:
        node = tree.left[node] if row[tree.feature[node]] <= tree.threshold[node] else tree.right[node]
    return tree.value[node]


def added(terms, row):
    bits = (np.array(row, np.float32)[terms.features] <= terms.thresholds).astype(float)
    products = np.maximum(0, terms.conditions @ bits + terms.offsets)
    assert set(products) <= {0.0, 1.0}
    return terms.base + terms.weights @ bits + terms.term_weights @ products


@given(st.lists(trees(), min_size=1, max_size=4), st.lists(values, min_size=FEATURES, max_size=FEATURES))
def test_any_trees_give_the_same_sum(some, row):
    terms = split_terms(some, 0.25)
    if terms is not None:
        assert added(terms, row) == pytest.approx(0.25 + sum(followed(tree, row) for tree in some), abs=1e-9)


def stump(feature, threshold, left, right):
    return Tree([feature, LEAF, LEAF], [threshold, 0.0, 0.0], [1, LEAF, LEAF], [2, LEAF, LEAF], [0.0, left, right])


def test_trees_of_one_split_share_its_bit():
    terms = split_terms([stump(0, 1.0, 2.0, 3.0), stump(0, 1.0, 5.0, 7.0)], 0.0)
    assert (terms.features.tolist(), len(terms.offsets)) == ([0], 0)
    assert (added(terms, [1.0]), added(terms, [1.1])) == (7.0, 10.0)


def test_a_value_that_is_no_number_goes_right_as_in_a_tree():
    assert added(split_terms([stump(0, 1.0, 2.0, 3.0)], 0.0), [np.nan]) == 3.0


def test_trees_that_are_cheaper_to_follow_stay_trees():
    rng = np.random.default_rng(1)
    assert split_terms([whole(rng, 8) for _ in range(10)], 0.0) is None


def whole(rng, depth):
    """Every split another."""
    tree = Tree()

    def grown(depth):
        if depth == 0:
            return tree.add(LEAF, 0.0, rng.normal())
        node = tree.add(int(rng.integers(5)), rng.normal(), 0.0)
        tree.left[node], tree.right[node] = grown(depth - 1), grown(depth - 1)
        return node

    grown(depth)
    return tree
