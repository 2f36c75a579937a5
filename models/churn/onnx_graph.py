"""A fitted model as an ONNX graph that takes the raw columns by their names.

Written node by node and not by a converter, so that every step has the rounding of the pipeline's: float32
scaling as in `float32_scaler`, thresholds rounded down to float32 as in `tree_nodes`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from models.churn.calibration import CLIP
from models.churn.classifiers import Linear, Trees, taken_apart
from models.churn.contract import Column
from models.churn.errors import ExportRefused
from models.churn.reason_tables import MOST_RANGES, ReasonTables
from models.churn.tree_nodes import attributes
from models.churn.tuning import Fitted
from models.onnx_builder import Builder

N_REASONS = 3
OUTPUTS = {"probability": TensorProto.FLOAT, "label": TensorProto.INT64, "log_odds": TensorProto.FLOAT}
_RESERVED = {*OUTPUTS, "reason_columns", "reason_log_odds"}


def graph(fitted: Fitted, columns: tuple[Column, ...], reasons: ReasonTables | None = None) -> bytes:
    """The serialised model; without reason tables it has the outputs `probability`, `label` and `log_odds` only.

    Raises
    ------
    ExportRefused
        A column has the name of an output.
    """
    taken = [column.name for column in columns if column.name in _RESERVED]
    if taken:
        raise ExportRefused(f"The graph has an output named {taken[0]!r}. Rename that column.")
    build = Builder()
    encoded = _Encoded.of(build, fitted, columns)
    _score(build, fitted, encoded.all)
    outputs = [helper.make_tensor_value_info(name, kind, ["rows"]) for name, kind in OUTPUTS.items()]
    if reasons is not None:
        outputs += _explain(build, encoded, reasons)
    return build.serialised("churn", [_input(column) for column in columns], outputs)


def _input(column: Column) -> Any:
    kind = TensorProto.FLOAT if column.kind == "number" else TensorProto.STRING
    return helper.make_tensor_value_info(column.name, kind, ["rows", 1])


@dataclass(frozen=True)
class _Encoded:
    """Names of tensors: raw numbers and where they are missing, one-hot categories, and all that the classifier reads.

    `seen`: the categories of each one-hot column.
    """

    numbers: str | None
    missing: str | None
    categories: str | None
    all: str
    seen: dict[str, list[str]]

    @classmethod
    def of(cls, build: Builder, fitted: Fitted, columns: tuple[Column, ...]) -> "_Encoded":
        parts = fitted.pipeline["columns"].named_transformers_
        numbers = missing = categories = None
        seen: dict[str, list[str]] = {}
        ready = []
        if "numbers" in parts:
            numbers = build.node("Concat", *[each.name for each in columns if each.kind == "number"], axis=1)
            missing = build.node("IsNaN", numbers)
            ready.append(_numbers(build, parts["numbers"], numbers, missing))
        if "categories" in parts:
            names = [each.name for each in columns if each.kind == "category"]
            seen = dict(zip(names, map(list, parts["categories"].categories_), strict=True))
            categories = _categories(build, seen)
            ready.append(categories)
        together = build.node("Concat", *ready, axis=1)
        return cls(numbers, missing, categories, _reduced(build, fitted.pipeline["reduce"], together), seen)


def _numbers(build: Builder, steps: Any, numbers: str, missing: str) -> str:
    impute, scale = steps["impute"], steps["scale"]
    filled = build.node("Where", missing, build.constant(impute.statistics_.reshape(1, -1)), numbers)
    marked = getattr(impute, "indicator_", None)
    if marked is not None and len(marked.features_):
        chosen = build.node("Gather", build.cast(missing), build.constant(marked.features_, np.int64), axis=1)
        filled = build.node("Concat", filled, chosen, axis=1)
    if scale == "passthrough":
        return filled
    return build.node("Mul", build.node("Sub", filled, build.constant(scale.mean_)), build.constant(scale.scale_))


def _categories(build: Builder, seen: dict[str, list[str]]) -> str:
    one_hot = [
        build.node("OneHotEncoder", name, domain="ai.onnx.ml", cats_strings=categories, zeros=1)
        for name, categories in seen.items()
    ]
    together = build.node("Concat", *one_hot, axis=2)
    width = sum(map(len, seen.values()))
    return build.node("Reshape", together, build.constant([-1, width], np.int64))


def _reduced(build: Builder, reduce: Any, together: str) -> str:
    if reduce == "passthrough":
        return together
    centred = build.node("Sub", together, build.constant(reduce.mean_))
    return build.node("MatMul", centred, build.constant(reduce.components_.T))


def _score(build: Builder, fitted: Fitted, features: str) -> None:
    margin = _margin(build, taken_apart(fitted.pipeline["model"]), features)
    slope, intercept = fitted.calibration.slope, fitted.calibration.intercept
    calibrated = build.node("Add", build.node("Mul", margin, build.constant(slope)), build.constant(intercept))
    log_odds = build.node("Reshape", calibrated, build.constant([-1], np.int64), to="log_odds")
    probability = build.node("Sigmoid", log_odds, to="probability")
    flagged = build.node("GreaterOrEqual", probability, build.constant(fitted.threshold))
    build.cast(flagged, TensorProto.INT64, to="label")


def _margin(build: Builder, model: Linear | Trees, features: str) -> str:
    if isinstance(model, Linear):
        product = build.node("MatMul", features, build.constant(model.weights))
        return build.node("Add", product, build.constant(model.intercept))
    ensemble = attributes(model.trees, model.base)
    total = build.node("TreeEnsembleRegressor", features, domain="ai.onnx.ml", **ensemble)
    if not model.rates:
        return total
    rate = build.node("Clip", total, build.constant(CLIP), build.constant(1 - CLIP))
    odds = build.node("Div", rate, build.node("Sub", build.constant(1.0), rate))
    return build.node("Log", odds)


def _explain(build: Builder, encoded: _Encoded, tables: ReasonTables) -> list[Any]:
    """What each raw column adds to the log odds, and the strongest of them."""
    parts = []
    if encoded.numbers is not None and encoded.missing is not None:
        parts.append(_steps(build, encoded.numbers, encoded.missing, tables))
    if encoded.categories is not None:
        parts.append(build.node("MatMul", encoded.categories, build.constant(_matrix(tables, encoded.seen))))
    contributions = build.node("Concat", *parts, axis=1)
    k = min(N_REASONS, len(tables.columns))
    _, strongest = build.two("TopK", build.node("Abs", contributions), build.constant([k], np.int64), axis=1)
    build.node("Identity", strongest, to="reason_columns")
    build.node("GatherElements", contributions, strongest, to="reason_log_odds", axis=1)
    kinds = {"reason_columns": TensorProto.INT64, "reason_log_odds": TensorProto.FLOAT}
    return [helper.make_tensor_value_info(name, kind, ["rows", k]) for name, kind in kinds.items()]


def _matrix(tables: ReasonTables, seen: dict[str, list[str]]) -> Any:
    """One-hot columns to raw columns. Shape `(n_one_hot, n_categories)`."""
    rows = [(column, category) for column, categories in seen.items() for category in categories]
    return [[tables.categories[name].get(value, 0.0) if name == of else 0.0 for of in seen] for name, value in rows]


def _steps(build: Builder, numbers: str, missing: str, tables: ReasonTables) -> str:
    """A step function of each number: the sum of the steps whose edge it has reached."""
    of = list(tables.numbers.values())
    edges, steps = np.full((1, len(of), MOST_RANGES), np.inf), np.zeros((1, len(of), MOST_RANGES))
    for number, table in enumerate(of):
        edges[0, number, : len(table.edges)] = table.edges
        steps[0, number, : len(table.edges)] = np.diff(table.values)
    upright = build.node("Unsqueeze", numbers, build.constant([2], np.int64))
    reached = build.cast(build.node("GreaterOrEqual", upright, build.constant(edges)))
    climbed = build.node("Mul", reached, build.constant(steps))
    height = build.node("ReduceSum", climbed, build.constant([2], np.int64), keepdims=0)
    filled = build.node("Add", height, build.constant([[table.values[0] for table in of]]))
    return build.node("Where", missing, build.constant([[table.missing for table in of]]), filled)
