"""Finds in the source of a job what PyFlink loses data with, and what hides a stage or its identity."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RULES = {
    "timer": "Python timers of the bundle that a barrier ends are lost on restore",
    "window": "Python windows are Python timers: cut windows in SQL",
    "state_ttl": "PyFlink's cache gives a value after its TTL: put the time in the value",
    "async": "the exception of an async function can be lost, and its record with it",
    "output_type": "without a declared type every row is pickled",
    "key_by": "a Python key costs a hidden Python stage: flink/keys.py",
    "identity": "a savepoint finds state by uid, a person finds a stage by name: .uid(...).name(...)",
}

NAMES = {
    "timer": {"on_timer"},
    "window": {"WindowAssigner", "WindowFunction", "ProcessWindowFunction", "ProcessAllWindowFunction", "Trigger"},
    "state_ttl": {"StateTtlConfig"},
    "async": {"AsyncFunction", "AsyncDataStream", "AsyncScalarFunction", "AsyncTableFunction"},
    "output_type": {"PICKLED_BYTE_ARRAY"},
}
"""Forbidden wherever they stand."""

METHODS = {
    "timer": {"timer_service", "register_event_time_timer", "register_processing_time_timer"},
    "window": {"window", "window_all", "count_window", "count_window_all"},
    "state_ttl": {"enable_time_to_live"},
    "key_by": {"key_by", "partition_custom"},
}
"""Forbidden as calls on an object."""

WINDOWS_OF_PYTHON = "pyflink.datastream.window"

TYPED_STAGES = {"map", "flat_map", "process"}
STAGES = TYPED_STAGES | {
    "filter", "reduce", "sink_to", "add_sink", "from_source", "from_collection", "assign_timestamps_and_watermarks",
}  # fmt: skip
FUNCTIONS = {"udf": "result_type", "udtf": "result_types", "udaf": "result_type", "udtaf": "result_type"}


@dataclass(frozen=True)
class Complaint:
    """One forbidden construct."""

    rule: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.rule}: {RULES[self.rule]}"


def complaints(source: str) -> list[Complaint]:
    """All of a file, in the order of its lines."""
    tree = ast.parse(source)
    chains = _Chains(tree)
    found = {
        Complaint(rule, getattr(node, "lineno", 0)) for node in ast.walk(tree) for rule in _rules_broken(node, chains)
    }
    return sorted(found, key=lambda complaint: (complaint.line, complaint.rule))


def _rules_broken(node: Any, chains: "_Chains") -> Iterator[str]:
    yield from (rule for rule, names in NAMES.items() if _name(node) in names)
    yield from (rule for rule, methods in METHODS.items() if _method(node) in methods)
    if isinstance(node, ast.ImportFrom | ast.Import) and WINDOWS_OF_PYTHON in _modules(node):
        yield "window"
    if isinstance(node, ast.AsyncFunctionDef):
        yield "async"
    if _lacks_a_type(node):
        yield "output_type"
    if _method(node) in STAGES and not {"uid", "name"} <= chains.methods_on(node):
        yield "identity"


class _Chains:
    """Which methods are called on the result of a call: in its chain, or on the name that it is bound to."""

    def __init__(self, tree: ast.AST) -> None:
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]

    def methods_on(self, node: ast.expr) -> set[str]:
        methods, end = self._climb(node)
        parent = self._parents[end]
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            bound = parent.targets[0].id
            methods.update(*(self._climb(use)[0] for use in self._names if use.id == bound))
        return methods

    def _climb(self, node: ast.AST) -> tuple[set[str], ast.AST]:
        """Methods of the chain that begins with `node`, and the whole chain."""
        methods: set[str] = set()
        while isinstance(attribute := self._parents.get(node), ast.Attribute):
            call = self._parents[attribute]
            if not (isinstance(call, ast.Call) and call.func is attribute):
                break
            methods.add(attribute.attr)
            node = call
        return methods, node


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.alias):
        return node.name
    return node.id if isinstance(node, ast.Name) else None


def _method(node: ast.AST) -> str | None:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def _modules(node: ast.ImportFrom | ast.Import) -> set[str]:
    names = {alias.name for alias in node.names}
    return (
        names | {node.module, *(f"{node.module}.{name}" for name in names)}
        if isinstance(node, ast.ImportFrom)
        else names
    )


def _lacks_a_type(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    given = {keyword.arg for keyword in node.keywords}
    if _method(node) in TYPED_STAGES:
        return "output_type" not in given
    wanted = FUNCTIONS.get(_name(node.func) or "")
    return wanted is not None and wanted not in given
