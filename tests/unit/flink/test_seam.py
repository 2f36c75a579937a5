"""Whatever is not Flink's public API stands in flink/, and in its list of internal names."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SEAM = REPOSITORY / "flink"
UPGRADING = (SEAM / "UPGRADING.md").read_text()

INTERNAL = re.compile(
    r"\b_j_\w+|\b_get_j_\w+|\bjava_gateway\b|\bget_gateway\b|\bfn_execution\b|\b_to_java\w+"
    r"|\bGeneratedOperator\b|\bCodeGenOperatorFactory\b|\bInternalTypeInfo\b|\bDataTypeUtils\b|\bOneInputTransformation\b"
    r"|\bExecNodeContext\b|\bresetIdCounter\b|\bKeyByKeySelector\b|\bInetSocketAddressServerFactory\b"
)
SUFFIXES = {".py", ".sql", ".sh", ".java", ".toml", ".yaml", ".yml", ""}
NO_CODE = {"docs", "tests", "dist", "build"}
TESTS_OF_INTERNALS = {
    "tests/mini_cluster/flink_internals.py",  # what the tests of jobs ask of Flink and PyFlink does not have
    "tests/mini_cluster/test_pyflink_findings.py",  # what PyFlink does with failures
    "tests/processes/fresh_interpreter.py",  # no JVM was started
}


def internals_in(text):
    return [f"line {text[: found.start()].count(chr(10)) + 1}: {found[0]}" for found in INTERNAL.finditer(text)]


def files_of(folder):
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in SUFFIXES and not {"__pycache__", "target"} & set(path.parts)
    )


def folders_of_code():
    names = {path.name for path in REPOSITORY.iterdir() if path.is_dir() and not path.name.startswith(".")}
    return sorted(names - NO_CODE - {"flink"})


@pytest.mark.parametrize("folder", folders_of_code())
def test_what_is_not_public_in_flink_is_used_by_the_seam_alone(folder):
    found = {}
    for path in files_of(REPOSITORY / folder):
        if names := internals_in(path.read_text(errors="replace")):
            found[str(path.relative_to(REPOSITORY))] = names
    assert found == {}, "goes into flink/ and its UPGRADING.md"


def test_the_tests_reach_into_flink_in_files_of_their_own():
    found = {
        str(path.relative_to(REPOSITORY))
        for path in files_of(REPOSITORY / "tests")
        if path.parent.name != "flink" and internals_in(path.read_text(errors="replace"))
    }
    assert found == TESTS_OF_INTERNALS


@pytest.mark.parametrize(
    "line",
    [
        "tables._j_tenv.getPlanner()", "from pyflink.java_gateway import get_gateway", "stream._j_data_stream",
        'import_module("pyflink.fn_execution.beam")', "jvm.org.apache.flink.table.types.utils.DataTypeUtils",
        "StreamExecutionEnvironment(tables._get_j_env())", "from pyflink.table.types import _to_java_data_type",
    ],
)  # fmt: skip
def test_an_internal_name_is_found(line):
    assert internals_in(line)


@pytest.mark.parametrize("line", ["the_j_curve", "java_gate", "tables.create_java_temporary_function(name, path)"])
def test_what_is_public_is_not(line):
    assert not internals_in(line)


def names_of_the_list():
    rows = re.findall(r"^\| (`.*?) \| .* \| (.*?) \|$", UPGRADING, re.MULTILINE)
    return {name: tests for names, tests in rows for name in re.findall(r"`([^`]+)`", names)}


@pytest.mark.parametrize("path", files_of(SEAM), ids=lambda path: str(path.relative_to(SEAM)))
def test_each_internal_name_of_the_seam_is_in_its_list(path):
    listed = " ".join(names_of_the_list())
    found = {name.rpartition(": ")[2] for name in internals_in(path.read_text())}
    assert {name for name in found if name not in listed} == set()


def test_each_name_of_the_list_is_used_and_its_tests_are_there():
    sources = "".join(path.read_text() for path in files_of(SEAM))
    for name, tests in names_of_the_list().items():
        used = re.split(r"[.( ]", name.removesuffix("(...)").removesuffix(".sh"))[-1 if "(" not in name else 0]
        assert used in sources, name
        assert tests, name
        for test in re.findall(r"tests/[\w/.]+\.py", tests):
            assert (REPOSITORY / test).is_file(), test
        assert "tests/" in tests or "make test-java" in tests, name
    assert len(names_of_the_list()) > 12


@pytest.mark.parametrize("path", sorted(SEAM.glob("*.py")), ids=lambda path: path.name)
def test_each_file_of_the_seam_says_which_internals_it_uses(path):
    words = ast.get_docstring(ast.parse(path.read_text()))
    assert "nternals" in words or path.name == "__init__.py"
