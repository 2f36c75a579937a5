"""A classifier's margin in the graph: a linear form, products of splits, or a tree ensemble."""

from typing import Any

from onnx import TensorProto

from models.churn.calibration import CLIP
from models.churn.classifiers import Linear, taken_apart
from models.churn.split_terms import SplitTerms, split_terms
from models.churn.tree_nodes import attributes
from models.onnx_builder import Builder


def margin(build: Builder, classifier: Any, features: str) -> str:
    """Of features of shape `(n_features, rows)`. Shape `(1, rows)` or `(rows, 1)`."""
    model = taken_apart(classifier)
    if isinstance(model, Linear):
        product = build.node("MatMul", build.constant(model.weights.T), features)
        return build.node("Add", product, build.constant(model.intercept))
    terms = split_terms(model.trees, model.base)
    if terms is not None:
        total = _of_terms(build, terms, features)
    else:
        rows = build.node("Transpose", features, perm=[1, 0])
        ensemble = attributes(model.trees, model.base)
        total = build.node("TreeEnsembleRegressor", rows, domain="ai.onnx.ml", **ensemble)
    return _log_odds(build, total) if model.rates else total


def _of_terms(build: Builder, terms: SplitTerms, features: str) -> str:
    split = build.node("Gather", features, build.constant(terms.features, terms.features.dtype), axis=0)
    bits = build.cast(build.node("LessOrEqual", split, build.column(terms.thresholds)), TensorProto.FLOAT)
    alone = build.node("MatMul", build.constant([terms.weights]), bits)
    held = build.node("Add", build.node("MatMul", build.constant(terms.conditions), bits), build.column(terms.offsets))
    together = build.node("MatMul", build.constant([terms.term_weights]), build.node("Relu", held))
    return build.node("Add", build.node("Add", alone, together), build.constant(terms.base))


def _log_odds(build: Builder, total: str) -> str:
    rate = build.node("Clip", total, build.constant(CLIP), build.constant(1 - CLIP))
    return build.node("Log", build.node("Div", rate, build.node("Sub", build.constant(1.0), rate)))
