"""The checks of `make check` and the tiers of `make test` leave nothing of the repository out."""

import re
import tomllib

import pytest

from stack.layout import REPOSITORY

PACKAGES = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
MAKEFILE = (REPOSITORY / "Makefile").read_text()
NOT_IN_THE_PRODUCT = {"bench", "deploy", "tests"}


def test_the_packages_are_found():
    assert {"schemas", "headrace", "bench", "deploy"} <= PACKAGES


@pytest.mark.parametrize("setting", ["mypy.files", "importlinter.root_packages"])
def test_types_and_imports_of_every_package_are_checked(setting):
    tool, key = setting.split(".")
    assert set(PYPROJECT["tool"][tool][key]) == PACKAGES | {"tests"}


def test_every_package_has_its_place_among_the_layers():
    (layers,) = [each["layers"] for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    assert {name.strip() for layer in layers for name in layer.split("|")} == PACKAGES | {"tests"}


def test_doctests_of_every_package_run():
    (packages,) = re.findall(r"^PACKAGES := (.*)", MAKEFILE, re.MULTILINE)
    assert set(packages.split()) == PACKAGES
    assert "--doctest-modules $(PACKAGES)" in recipe_of("test-unit")


def recipe_of(target):
    (line,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return line


def test_every_folder_of_tests_is_a_tier_of_make_test_and_of_the_guide():
    (prerequisites,) = re.findall(r"^test: (.*?) ##", MAKEFILE, re.MULTILINE)
    folders = {path.name for path in (REPOSITORY / "tests").iterdir() if any(path.rglob("test_*.py"))}
    targets = {f"test-{folder.replace('_', '-')}": folder for folder in folders}
    assert {"test-unit", "test-training", "test-processes", "test-mini-cluster", "test-end-to-end"} == set(targets)
    assert targets.keys() <= set(prerequisites.split())
    guide = (REPOSITORY / "CONTRIBUTING.md").read_text()
    for target, folder in targets.items():
        assert re.search(rf"\btests/{folder}\b", recipe_of(target)), target
        assert f"`make {target}`" in guide


@pytest.mark.parametrize(
    "target", ["test-unit", "test-training", "test-processes", "test-mini-cluster", "test-end-to-end"]
)
def test_a_test_that_hangs_shows_where(target):
    assert re.search(r"\$\((HANGS|ENDS)_AFTER\)=\d+", recipe_of(target))


def test_make_check_runs_each_of_its_checks():
    (checks,) = re.findall(r"^CHECKS := (.*)", MAKEFILE, re.MULTILINE)
    assert set(checks.split()) == set(re.findall(r"^(check-[a-z]+):", MAKEFILE, re.MULTILINE))
    assert len(checks.split()) == 7
    assert "$(CHECKS)" in recipe_of("check")


def test_the_image_and_the_build_hold_every_package_of_the_product():
    product = PACKAGES - NOT_IN_THE_PRODUCT
    assert set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == product
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == product
    (compiled,) = re.findall(r"compileall -q (.*)", dockerfile)
    assert set(compiled.split()) == product
