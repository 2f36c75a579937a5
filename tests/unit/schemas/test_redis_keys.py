"""Keys of Redis: defined once, and made nowhere else."""

import ast
import re
from pathlib import Path

import pytest

from schemas.personal import Personal
from schemas.redis_keys import (
    CHURN_DELETED,
    KEYS,
    PATTERNS,
    PERSONAL_PATTERNS,
    POPULAR_ITEMS,
    RECOMMENDATIONS,
    KeyPattern,
    keys_to_forget,
)

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (
    "bench", "connectors", "deploy", "drills", "examples", "flink", "headrace", "jobs", "models", "serving", "stack",
)  # fmt: skip
SINGLE_KEYS = [key.name for key in KEYS if not isinstance(key, KeyPattern)]
LITERAL = re.compile(
    rf"(?<![\w{{-])(?:(?:{'|'.join(pattern.name for pattern in PATTERNS)}):(?=\S|\Z)|(?:{'|'.join(SINGLE_KEYS)})(?!\w))"
)


def literals(source):
    """Texts of a module in which a key of Redis is written out; docstrings may name keys."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [node.value for node in texts if isinstance(node.value, str) and LITERAL.search(node.value)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_key_of_redis_is_written_out_outside_schemas(package):
    found = {str(path): literals(path.read_text()) for path in (ROOT / package).rglob("*.py")}
    assert found, "the package has no Python files"
    assert {path: texts for path, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    "source",
    ['f"device:{name}"', 'get("recommendations:" + user)', 'scan(match="churn:*")', 'get("popular:items")'],
)
def test_a_key_that_is_written_out_is_found(source):
    assert literals(source)


@pytest.mark.parametrize(
    "source",
    [
        '"align-items: center"',
        '"device: pump-7"',
        '"my-churn:x"',
        '"""device:{device}"""',
        '"/alerts/{device:segment}"',
    ],
)
def test_other_texts_are_no_keys(source):
    assert literals(source) == []


def test_names_of_keys_are_unique_and_no_single_key_belongs_to_a_pattern():
    names = [key.name for key in KEYS]
    assert len(set(names)) == len(names)
    assert not {name.split(":")[0] for name in SINGLE_KEYS} & {pattern.name for pattern in PATTERNS}


@pytest.mark.parametrize("id_", ["u-17", "a:b", "*", "Ω" * 200, ""])
def test_the_key_of_an_id_is_the_patterns_name_a_colon_and_the_id_unchanged(id_):
    for pattern in PATTERNS:
        assert pattern.key(id_).partition(":")[::2] == (pattern.name, id_)


def test_every_pattern_has_a_lifetime_and_every_key_a_bound():
    assert all(pattern.lifetime_s for pattern in PATTERNS)
    assert all(key.bound for key in KEYS)


def test_forgetting_covers_every_key_that_names_a_person_but_the_note_of_a_deletion():
    forgotten = keys_to_forget("id", "pseudonym")
    for pattern in PERSONAL_PATTERNS:
        ids = {key.split(":")[1] for key in forgotten if key.startswith(f"{pattern.name}:")}
        by = {"id", "pseudonym"} if pattern.personal is Personal.PSEUDONYM else {"id"}
        assert ids == (set() if pattern is CHURN_DELETED else by)


def test_the_documented_form_names_the_id():
    assert (RECOMMENDATIONS.shown, POPULAR_ITEMS.shown) == ("recommendations:{pseudonym}", "popular:items")
