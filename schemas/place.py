"""Places: templates over the levels of a topic, and JMESPath expressions into a payload."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import jmespath
from jmespath.functions import Functions
from pydantic import AfterValidator

LEVEL = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""What stands for a named level in a topic and in a template. No JMESPath expression contains it."""

LOGIN, KEY = "login", "key"
"""Names that templates have beside the topic's levels: who authenticated, and the name of a field of `values`."""


def is_template(place: str) -> bool:
    """Whether a place is a template over the topic's levels; otherwise it is a JMESPath into the payload.

    Examples
    --------
    >>> is_template("{line}-{device}"), is_template("deviceInfo.devEui"), is_template("{a: b}")
    (True, False, False)
    """
    return LEVEL.search(place) is not None


def is_constant(place: str) -> bool:
    """Whether a place is a constant of JMESPath.

    Examples
    --------
    >>> is_constant("'Cel'"), is_constant("Cel")
    (True, False)
    """
    return not is_template(place) and bool(jmespath.compile(place).parsed["type"] == "literal")


def fill_template(template: str, levels: Mapping[str, str]) -> str | None:
    """A template with its names replaced; None where a name has no value.

    Examples
    --------
    >>> fill_template("{line}-{device}", {"line": "4", "device": "press-1"})
    '4-press-1'
    """
    try:
        return LEVEL.sub(lambda name: levels[name[1]], template)
    except KeyError:
        return None


def _expression(given: str) -> str:
    try:
        unknown = _unknown_functions(jmespath.compile(given).parsed)
    except jmespath.exceptions.JMESPathError as error:
        place = getattr(error, "lex_position", None)
        fault = "" if place is None else f": wrong at character {place + 1}"
        raise ValueError(f"not a JMESPath expression{fault}") from None
    except RecursionError:
        raise ValueError("a JMESPath expression that is nested too deeply") from None
    if unknown:
        raise ValueError(f"JMESPath has no function {', '.join(sorted(unknown))}")
    return given


def _unknown_functions(node: Mapping[str, Any]) -> set[str]:
    own = node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE
    below = (_unknown_functions(child) for child in node["children"] if isinstance(child, dict))
    return set().union(*below, [node["value"]] if own else [])


def _place(given: str) -> str:
    return given if is_template(given) else _expression(given)


Expression = Annotated[str, AfterValidator(_expression)]
Place = Annotated[str, AfterValidator(_place)]
