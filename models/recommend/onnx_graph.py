"""A recommender as an ONNX graph: histories in, lists of items out.

Inputs   history  int64 [rows, length]: numbers of items, the oldest first; -1 in front fills up
         idle_s   float [rows]: seconds since the last of them
Outputs  items    int64 [rows, n]: the best first, none of the history
         scores   float [rows, n]: minus infinity where nothing was left
         all_scores  float [rows, n_items]: before the history is masked; computed only if asked for
"""

import numpy as np
from onnx import TensorProto, helper

from models.onnx_builder import Builder
from models.recommend.history import SESSION_S
from models.recommend.linear_form import FLOOR, Part, recency
from models.recommend.recommender import Floats, Recommender

END = np.iinfo(np.int64).max


def graph(model: Recommender, n_recommended: int) -> bytes:
    """The serialised model."""
    build = Builder()
    # -1 looks up the first item, with weight 0.
    taken = build.cast(build.node("GreaterOrEqual", "history", build.constant(0, np.int64)))
    known = build.node("Max", "history", build.constant(0, np.int64))
    rows = build.node("Slice", build.node("Shape", "history"), *_constants(build, [0], [1]))
    shape = build.node("Concat", rows, build.constant([model.n_items], np.int64), axis=0)
    scored = [_part(build, part, known, taken, shape) for part in model.parts()]
    whole = scored[0] if model.weights is None else _blended(build, scored, model.weights)
    build.node("Identity", whole, to="all_scores")
    _list(build, known, taken, shape, whole, min(n_recommended, model.n_items))
    return build.serialised("recommend", _inputs(), _outputs(model.n_items, min(n_recommended, model.n_items)))


def _constants(build: Builder, *values: list[int]) -> list[str]:
    return [build.constant(each, np.int64) for each in values]


def _part(build: Builder, part: Part, known: str, taken: str, shape: str) -> str:
    """Scores of a part, `[rows, n_items]`."""
    prior = build.node("Expand", build.constant(part.prior.reshape(1, -1)), shape)
    if part.table is None:
        return prior
    recent = [build.node("Slice", each, *_constants(build, [-part.reach], [END], [1])) for each in (known, taken)]
    length = build.node("Slice", build.node("Shape", recent[0]), *_constants(build, [1], [2]))
    decays = build.node(
        "Slice", build.constant(recency(part.reach, part.decay)), build.node("Neg", length), *_constants(build, [END])
    )
    weights = build.node("Unsqueeze", build.node("Mul", recent[1], decays), *_constants(build, [1]))
    looked_up = build.node("Gather", build.constant(part.table), recent[0], axis=0)
    summed = build.node("Squeeze", build.node("MatMul", weights, looked_up), *_constants(build, [1]))
    return build.node("Add", prior, summed)


def _blended(build: Builder, scored: list[str], weights: Floats) -> str:
    returned = build.cast(build.node("Greater", "idle_s", build.constant(SESSION_S)), TensorProto.INT64)
    terms = []
    for number, scores in enumerate(scored):
        weight = build.node("Gather", build.constant(weights[:, number]), returned, axis=0)
        upright = build.node("Unsqueeze", weight, *_constants(build, [1]))
        terms.append(build.node("Mul", upright, _feature(build, scores)))
    return build.node("Sum", *terms)


def _feature(build: Builder, scores: str) -> str:
    positive = build.node("Relu", scores)
    largest = build.node("ReduceMax", positive, axes=[1], keepdims=1)
    some = build.node("Greater", largest, build.constant(0.0))
    share = build.node("Div", positive, build.node("Where", some, largest, build.constant(1.0)))
    return build.node("Log", build.node("Add", share, build.constant(FLOOR)))


def _list(build: Builder, known: str, taken: str, shape: str, scores: str, n: int) -> None:
    nothing = build.node("Expand", build.constant(0.0), shape)
    seen = build.node("ScatterElements", nothing, known, taken, axis=1, reduction="add")
    masked = build.node("Where", build.node("Greater", seen, build.constant(0.0)), build.constant(-np.inf), scores)
    best, items = build.two("TopK", masked, build.constant([n], np.int64), axis=1)
    build.node("Identity", best, to="scores")
    build.node("Identity", items, to="items")


def _inputs() -> list[object]:
    return [
        helper.make_tensor_value_info("history", TensorProto.INT64, ["rows", "length"]),
        helper.make_tensor_value_info("idle_s", TensorProto.FLOAT, ["rows"]),
    ]


def _outputs(n_items: int, n: int) -> list[object]:
    return [
        helper.make_tensor_value_info("items", TensorProto.INT64, ["rows", n]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", n]),
        helper.make_tensor_value_info("all_scores", TensorProto.FLOAT, ["rows", n_items]),
    ]
