"""A fitted model as an ONNX graph that takes the raw columns by their names.

Written node by node and not by a converter, so that every step has the rounding of the pipeline's: float32
scaling as in `float32_scaler`, thresholds rounded down to float32 as in `tree_nodes`. Inside, a feature is a row and
a customer a column: picking features then copies whole rows.

Reading text costs more than the score. A caller that knows the categories gives their places among the contract's
as `category_codes`, and each text input one row, which is not looked at.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from models.churn.contract import CATEGORY_CODES, UNKNOWN_CODE, Column
from models.churn.onnx_margin import margin
from models.churn.onnx_reasons import RawFeatures, explain
from models.churn.reason_tables import ReasonTables
from models.churn.tuning import Fitted
from models.onnx_builder import Builder

OUTPUTS = {"probability": TensorProto.FLOAT, "label": TensorProto.INT64, "log_odds": TensorProto.FLOAT}
_NOT_GIVEN = UNKNOWN_CODE - 1


def graph(fitted: Fitted, columns: tuple[Column, ...], reasons: ReasonTables | None = None) -> bytes:
    """The serialised model; without reason tables it has the outputs `probability`, `label` and `log_odds` only."""
    build = Builder.with_inputs(column.name for column in columns)
    encoded = _Encoded.of(build, fitted, columns)
    _score(build, fitted, encoded.all)
    outputs = [helper.make_tensor_value_info(name, kind, ["rows"]) for name, kind in OUTPUTS.items()]
    if reasons is not None:
        outputs += explain(build, encoded.raw, reasons)
    return build.serialised("churn", _inputs(columns), outputs)


def _inputs(columns: tuple[Column, ...]) -> list[Any]:
    text = [column.name for column in columns if column.kind == "category"]
    inputs = [
        helper.make_tensor_value_info(column.name, TensorProto.STRING, ["text_rows", 1])
        if column.name in text
        else helper.make_tensor_value_info(column.name, TensorProto.FLOAT, ["rows", 1])
        for column in columns
    ]
    codes = helper.make_tensor_value_info(CATEGORY_CODES, TensorProto.INT32, [len(text), "code_rows"])
    return [*inputs, codes] if text else inputs


@dataclass(frozen=True)
class _Encoded:
    """Names of tensors: what the reasons look at, and all that the classifier reads. Shapes `(n_features, rows)`."""

    raw: RawFeatures
    all: str

    @classmethod
    def of(cls, build: Builder, fitted: Fitted, columns: tuple[Column, ...]) -> "_Encoded":
        parts = fitted.pipeline["columns"].named_transformers_
        numbers = missing = categories = None
        seen: dict[str, list[str]] = {}
        ready = []
        if "numbers" in parts:
            numbers = _upright(build, [each.name for each in columns if each.kind == "number"])
            missing = build.node("IsNaN", numbers)
            ready.append(_numbers(build, parts["numbers"], numbers, missing))
        if "categories" in parts:
            of_kind = [each for each in columns if each.kind == "category"]
            names = [each.name for each in of_kind]
            seen = dict(zip(names, map(list, parts["categories"].categories_), strict=True))
            categories = _one_hot(build, _codes(build, of_kind), of_kind, seen)
            ready.append(categories)
        together = build.node("Concat", *ready, axis=0)
        raw = RawFeatures(numbers, missing, categories, seen)
        return cls(raw, _reduced(build, fitted.pipeline["reduce"], together))


def _upright(build: Builder, columns: list[str]) -> str:
    """Columns of shape `(rows, 1)` as rows of one tensor."""
    return build.node("Transpose", build.node("Concat", *columns, axis=1), perm=[1, 0])


def _numbers(build: Builder, steps: Any, numbers: str, missing: str) -> str:
    impute, scale = steps["impute"], steps["scale"]
    filled = build.node("Where", missing, build.column(impute.statistics_), numbers)
    marked = getattr(impute, "indicator_", None)
    if marked is not None and len(marked.features_):
        marks = build.cast(missing, TensorProto.FLOAT)
        chosen = build.node("Gather", marks, build.constant(marked.features_, np.int64), axis=0)
        filled = build.node("Concat", filled, chosen, axis=0)
    if scale == "passthrough":
        return filled
    return build.node("Mul", build.node("Sub", filled, build.column(scale.mean_)), build.column(scale.scale_))


def _codes(build: Builder, columns: list[Column]) -> str:
    """Each category's place among those of its column, from the input of that name or else from the text."""
    read = [
        build.node(
            "LabelEncoder",
            column.name,
            domain="ai.onnx.ml",
            keys_strings=column.categories,
            values_int64s=range(len(column.categories)),
            default_int64=UNKNOWN_CODE,
        )
        for column in columns
    ]
    of_text = build.cast(_upright(build, read), TensorProto.INT32)
    given = build.constant(np.full((len(columns), 1), _NOT_GIVEN), np.int32, to=CATEGORY_CODES)
    is_not = build.node("Equal", given, build.constant([_NOT_GIVEN], np.int32))
    return build.node("Where", is_not, of_text, given)


def _one_hot(build: Builder, codes: str, columns: list[Column], seen: dict[str, list[str]]) -> str:
    """A row of ones and zeros for each category that the encoder had seen."""
    of = [number for number, column in enumerate(columns) for _ in seen[column.name]]
    places = [column.categories.index(category) for column in columns for category in seen[column.name]]
    spread = build.node("Gather", codes, build.constant(of, np.int64), axis=0)
    return build.cast(build.node("Equal", spread, build.column(places, np.int32)), TensorProto.FLOAT)


def _reduced(build: Builder, reduce: Any, together: str) -> str:
    if reduce == "passthrough":
        return together
    centred = build.node("Sub", together, build.column(reduce.mean_))
    return build.node("MatMul", build.constant(reduce.components_), centred)


def _score(build: Builder, fitted: Fitted, features: str) -> None:
    raw = margin(build, fitted.pipeline["model"], features)
    slope, intercept = fitted.calibration.slope, fitted.calibration.intercept
    calibrated = build.node("Add", build.node("Mul", raw, build.constant(slope)), build.constant(intercept))
    log_odds = build.node("Reshape", calibrated, build.constant([-1], np.int64), to="log_odds")
    probability = build.node("Sigmoid", log_odds, to="probability")
    flagged = build.node("GreaterOrEqual", probability, build.constant(fitted.threshold))
    build.cast(flagged, TensorProto.INT64, to="label")
