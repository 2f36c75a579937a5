"""The reason tables in the graph: what each raw column adds to the log odds, and the strongest of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from models.churn.reason_tables import NumberTable, ReasonTables
from models.onnx_builder import Builder

N_REASONS = 3
REASON_OUTPUTS = {"reason_columns": TensorProto.INT64, "reason_log_odds": TensorProto.FLOAT}


@dataclass(frozen=True)
class RawFeatures:
    """Names of tensors of shape `(n_features, rows)`: raw numbers and where they are missing, one-hot categories.

    `seen`: the categories of each one-hot column.
    """

    numbers: str | None
    missing: str | None
    categories: str | None
    seen: dict[str, list[str]]


def explain(build: Builder, raw: RawFeatures, tables: ReasonTables) -> list[Any]:
    """Adds the outputs REASON_OUTPUTS, of shape `(rows, n_reasons)`, the strongest reason first."""
    parts = []
    if raw.numbers is not None and raw.missing is not None:
        parts.append(_steps(build, raw.numbers, raw.missing, list(tables.numbers.values())))
    if raw.categories is not None:
        parts.append(build.node("MatMul", build.constant(_matrix(tables, raw.seen)), raw.categories))
    contributions = build.node("Transpose", build.node("Concat", *parts, axis=0), perm=[1, 0])
    k = min(N_REASONS, len(tables.columns))
    _, strongest = build.two("TopK", build.node("Abs", contributions), build.constant([k], np.int64), axis=1)
    build.node("Identity", strongest, to="reason_columns")
    build.node("GatherElements", contributions, strongest, to="reason_log_odds", axis=1)
    return [helper.make_tensor_value_info(name, kind, ["rows", k]) for name, kind in REASON_OUTPUTS.items()]


def _matrix(tables: ReasonTables, seen: dict[str, list[str]]) -> Any:
    """One-hot rows to raw columns. Shape `(n_categories, n_one_hot)`."""
    rows = [(column, category) for column, categories in seen.items() for category in categories]
    return [[tables.categories[of].get(value, 0.0) if name == of else 0.0 for name, value in rows] for of in seen]


def _steps(build: Builder, numbers: str, missing: str, tables: list[NumberTable]) -> str:
    """A step function of each number: its lowest value, and the steps whose edge it has reached."""
    of = [number for number, table in enumerate(tables) for _ in table.edges]
    lowest = build.column([table.values[0] for table in tables])
    if of:
        edges = build.column(np.concatenate([table.edges for table in tables]))
        spread = build.node("Gather", numbers, build.constant(of, np.int64), axis=0)
        reached = build.cast(build.node("GreaterOrEqual", spread, edges), TensorProto.FLOAT)
        climbs = np.zeros((len(tables), len(of)))
        climbs[of, range(len(of))] = np.concatenate([np.diff(table.values) for table in tables])
        lowest = build.node("Add", build.node("MatMul", build.constant(climbs), reached), lowest)
    return build.node("Where", missing, build.column([table.missing for table in tables]), lowest)
