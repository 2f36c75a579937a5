"""Decision trees of scikit-learn and LightGBM as the attributes of one ONNX TreeEnsembleRegressor."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LEAF = -1


@dataclass
class Tree:
    """Nodes by their number; the root is 0. `feature` is LEAF at a leaf. To the left: value <= threshold."""

    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def add(self, feature: int, threshold: float, value: float) -> int:
        """A node without children yet; its number."""
        for column, entry in zip(self._columns(), (feature, threshold, LEAF, LEAF, value), strict=True):
            column.append(entry)
        return len(self.feature) - 1

    def _columns(self) -> tuple[list[Any], ...]:
        return self.feature, self.threshold, self.left, self.right, self.value


def of_scikit_learn(tree: Any, weight: float) -> Tree:
    """A fitted `tree_` of a classifier: the rate of class 1 at a leaf, times the weight."""
    values = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
    leaf = tree.children_left == LEAF
    return Tree(
        np.where(leaf, LEAF, tree.feature).tolist(),
        np.where(leaf, 0.0, tree.threshold).tolist(),
        tree.children_left.tolist(),
        tree.children_right.tolist(),
        (values * weight).tolist(),
    )


def of_histogram_boosting(nodes: Any) -> Tree:
    """The nodes of one predictor of scikit-learn's HistGradientBoosting; it has no public way to its trees."""
    leaf = nodes["is_leaf"] == 1
    if nodes["is_categorical"].any():
        raise ValueError("only numerical splits are exported")
    return Tree(
        np.where(leaf, LEAF, nodes["feature_idx"]).tolist(),
        np.where(leaf, 0.0, nodes["num_threshold"]).tolist(),
        np.where(leaf, LEAF, nodes["left"].astype(np.int64)).tolist(),
        np.where(leaf, LEAF, nodes["right"].astype(np.int64)).tolist(),
        nodes["value"].tolist(),
    )


def of_lightgbm(booster: Any) -> list[Tree]:
    """All trees of a booster; the first holds its base value."""
    return [_filled(Tree(), info["tree_structure"]) for info in booster.dump_model()["tree_info"]]


def _filled(tree: Tree, node: dict[str, Any]) -> Tree:
    _add(tree, node)
    return tree


def _add(tree: Tree, node: dict[str, Any]) -> int:
    if "split_feature" not in node:
        return tree.add(LEAF, 0.0, node["leaf_value"])
    if node["decision_type"] != "<=":
        raise ValueError(f"only numerical splits are exported, and not {node['decision_type']!r}")
    number = tree.add(node["split_feature"], node["threshold"], 0.0)
    tree.left[number] = _add(tree, node["left_child"])
    tree.right[number] = _add(tree, node["right_child"])
    return number


def rounded_down(thresholds: Any) -> Any:
    """The largest float32 that is not above: `x <= threshold` then keeps its answer for every float32 x."""
    narrow = np.asarray(thresholds, np.float64).astype(np.float32)
    above = narrow.astype(np.float64) > thresholds
    return np.where(above, np.nextafter(narrow, np.float32(-np.inf)), narrow)


def attributes(trees: Iterable[Tree], base: float) -> dict[str, Any]:
    """Of the ONNX operator: the sum of all trees, and the base value."""
    nodes: dict[str, list[Any]] = {name: [] for name in _NODE_ATTRIBUTES}
    leaves: dict[str, list[Any]] = {name: [] for name in _LEAF_ATTRIBUTES}
    for number, tree in enumerate(trees):
        size = range(len(tree.feature))
        nodes["nodes_treeids"] += [number] * len(size)
        nodes["nodes_nodeids"] += size
        nodes["nodes_featureids"] += [max(feature, 0) for feature in tree.feature]
        nodes["nodes_modes"] += ["LEAF" if feature == LEAF else "BRANCH_LEQ" for feature in tree.feature]
        nodes["nodes_values"] += rounded_down(tree.threshold).tolist()
        nodes["nodes_truenodeids"] += [max(child, 0) for child in tree.left]
        nodes["nodes_falsenodeids"] += [max(child, 0) for child in tree.right]
        ends = [node for node in size if tree.feature[node] == LEAF]
        leaves["target_treeids"] += [number] * len(ends)
        leaves["target_nodeids"] += ends
        leaves["target_ids"] += [0] * len(ends)
        leaves["target_weights"] += [tree.value[node] for node in ends]
    return nodes | leaves | {"n_targets": 1, "base_values": [base], "aggregate_function": "SUM"}


_NODE_ATTRIBUTES = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
)
_LEAF_ATTRIBUTES = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
