"""JMESPath expressions as functions: those that say no more than `a.b` without an interpreter.

Specification: https://jmespath.org/specification.html
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

Getter = Callable[[Any], Any]
"""From a JSON value to what an expression finds in it; None where it finds nothing."""

NOT_APPLICABLE = (JMESPathError, ArithmeticError, RecursionError, TypeError, ValueError)
"""What a getter raises where a value's types do not fit an expression's functions, such as `length(@)` of a number."""


@cache
def getter(expression: str) -> Getter:
    """The function of an expression, compiled once.

    Examples
    --------
    >>> getter("uplink.decoded || @")({"uplink": {"decoded": {"t": 21.4}}})
    {'t': 21.4}
    >>> getter("max(values)")({"values": [1, 3, 2]})
    3
    """
    return _getter(jmespath.compile(expression).parsed)


@cache
def field_name(expression: str) -> str | None:
    """The name of an expression that is one field of the value itself; None of any other."""
    node = jmespath.compile(expression).parsed
    return node["value"] if node["type"] == "field" else None


def _getter(node: Mapping[str, Any]) -> Getter:
    match node["type"]:
        case "current" | "identity":
            return lambda value: value
        case "literal":
            return _literal(node["value"])
        case "or_expression":
            return _first_true(*map(_getter, node["children"]))
    names = _field_names(node)
    if names is None:
        return _interpreted(node)
    if len(names) == 1:
        return _field(names[0])
    return _field_of_field(*names) if len(names) == 2 else _fields(names)


def _field_names(node: Mapping[str, Any]) -> Sequence[str] | None:
    """The names of `a.b.c`; None of any other expression."""
    if node["type"] == "field":
        return [node["value"]]
    if node["type"] != "subexpression":
        return None
    names = [_field_names(child) for child in node["children"]]
    return None if None in names else [name for each in names if each for name in each]


def _field(name: str) -> Getter:
    return lambda value: value.get(name) if type(value) is dict else None


def _field_of_field(outer: str, inner: str) -> Getter:
    """The usual depth, without a loop."""

    def find(value: Any) -> Any:
        if type(value) is not dict:
            return None
        value = value.get(outer)
        return value.get(inner) if type(value) is dict else None

    return find


def _fields(names: Sequence[str]) -> Getter:
    def find(value: Any) -> Any:
        for name in names:
            if type(value) is not dict:
                return None
            value = value.get(name)
        return value

    return find


def _literal(constant: Any) -> Getter:
    return lambda value: constant


def _first_true(first: Getter, second: Getter) -> Getter:
    def find(value: Any) -> Any:
        found = first(value)
        if found or type(found) is int or type(found) is float:  # 0 is true in JMESPath
            return found
        return second(value)

    return find


def _interpreted(node: Mapping[str, Any]) -> Getter:
    interpreter = TreeInterpreter()
    return lambda value: interpreter.visit(node, value)
