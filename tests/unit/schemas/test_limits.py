"""Limits are written once, in schemas/limits.py."""

import ast
import re
from pathlib import Path

import pytest

from schemas import limits

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (
    "connectors",
    "drills",
    "examples",
    "headrace",
    "jobs",
    "models",
    "payload_codecs",
    "schemas",
    "serving",
    "stack",
)
TELLING = {limits.MIN_EVENT_TIME_MS, limits.MAX_EVENT_TIME_MS, limits.MIN_TRAINING_TIME_MS}
"""Values that mean nothing else."""
NAMED = re.compile(r"MAX_(?:\w*NAME|METRIC|DEVICE|ID|USER|ITEM)_LENGTH|\w*(?:AHEAD|SKEW|EVENT_TIME)_MS")
"""Names of constants that say one of our limits again."""


def numbers(source):
    """The value of each number of a module, of a product of numbers too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant | ast.BinOp):
            try:
                yield eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}})
            except (NameError, TypeError):  # not made of numbers alone
                continue


def modules():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if path != ROOT / "schemas" / "limits.py":
                yield path, path.read_text()


def test_no_module_writes_a_bound_of_event_times_again():
    found = {str(path) for path, text in modules() if any(type(n) is int and n in TELLING for n in numbers(text))}
    assert found == set()


@pytest.mark.parametrize("source", ["FIRST = 1_262_304_000 * 1000", "FIRST = 1_262_304_000_000"])
def test_a_bound_that_is_written_again_is_found(source):
    assert TELLING & set(numbers(source))


def test_a_constant_with_the_name_of_a_limit_is_made_from_the_limit():
    for path, text in modules():
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.BinOp):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                assert not any(NAMED.fullmatch(name) for name in names), f"{path}: {names}"


def test_a_time_is_judged_by_the_bounds():
    now_ms = 1_790_000_000_000
    for ms in (limits.MIN_EVENT_TIME_MS, now_ms + limits.MAX_CLOCK_SKEW_MS):
        assert limits.event_time_fault(ms, now_ms) is None
    assert limits.event_time_fault(limits.MIN_EVENT_TIME_MS - 1, now_ms)
    assert limits.event_time_fault(now_ms + limits.MAX_CLOCK_SKEW_MS + 1, now_ms)
