"""An ONNX graph, written node by node."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSETS = (helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3))
IR_VERSION = 8


@dataclass
class Builder:
    """Nodes and constants so far.

    `prefix`: what its own names begin with, and none of the model's inputs.
    """

    prefix: str = "/"
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    @classmethod
    def with_inputs(cls, inputs: Iterable[str]) -> "Builder":
        """One whose names are none of these inputs': columns have the names that people give them."""
        builder = cls()
        names = tuple(inputs)
        while any(name.startswith(builder.prefix) for name in names):
            builder.prefix += "/"
        return builder

    def node(self, kind: str, *inputs: str, to: str = "", domain: str = "", **attributes: Any) -> str:
        """A node with one output; the output's name."""
        output = to or f"{self.prefix}{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def two(self, kind: str, *inputs: str, **attributes: Any) -> tuple[str, str]:
        """A node with two outputs."""
        first, second = f"{self.prefix}{kind}_{len(self.nodes)}", f"{self.prefix}{kind}_{len(self.nodes)}_1"
        self.nodes.append(helper.make_node(kind, inputs, [first, second], **attributes))
        return first, second

    def constant(self, values: Any, dtype: Any = np.float32, to: str = "") -> str:
        """A constant, or the default of the input `to`."""
        name = to or f"{self.prefix}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def column(self, values: Any, dtype: Any = np.float32) -> str:
        """A constant of shape `(n, 1)`: a value for each feature."""
        return self.constant(np.asarray(values).reshape(-1, 1), dtype)

    def cast(self, tensor: str, kind: int = TensorProto.FLOAT, to: str = "") -> str:
        """To a type of `TensorProto`."""
        # make_node reads `to` as the attribute of Cast, so it cannot pass through `node`.
        output = to or f"{self.prefix}Cast_{len(self.nodes)}"
        self.nodes.append(helper.make_node("Cast", [tensor], [output], to=kind))
        return output

    def serialised(self, name: str, inputs: list[Any], outputs: list[Any]) -> bytes:
        """The checked model of these inputs and outputs."""
        made = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(made, opset_imports=OPSETS, producer_name="headrace", ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
