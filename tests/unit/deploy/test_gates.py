"""The checks of `make check` and `make test-unit` leave out no package of the repository."""

import re
import tomllib

import pytest

from stack.layout import REPOSITORY

PACKAGES = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
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
    (packages,) = re.findall(r"--doctest-modules (.*)", (REPOSITORY / "Makefile").read_text())
    assert set(packages.split()) == PACKAGES


def test_the_image_and_the_build_hold_every_package_of_the_product():
    product = PACKAGES - NOT_IN_THE_PRODUCT
    assert set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == product
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == product
    (compiled,) = re.findall(r"compileall -q (.*)", dockerfile)
    assert set(compiled.split()) == product
