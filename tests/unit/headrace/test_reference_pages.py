"""The two reference pages that are made from the command line and the settings."""

import re

import pytest

from headrace import documentation
from stack.layout import REPOSITORY

INTERNAL = {"HEADRACE_PROCESS", "HEADRACE_IMAGE_CHECK"}
"""Set by the project for its own processes."""
SETTINGS = [
    pytest.param(each, name, field, id=f"{each.__name__}.{name}")
    for each in documentation.setting_classes()
    for name, field in each.model_fields.items()
]


def test_the_reference_pages_are_current():
    assert documentation.stale() == [], "run: make docs"


def test_a_page_that_differs_is_written_again(tmp_path):
    documentation.main(tmp_path)
    assert documentation.stale(tmp_path) == []
    (tmp_path / "cli.md").write_text("outdated")
    assert documentation.stale(tmp_path) == ["cli.md"]
    documentation.main(tmp_path)
    assert documentation.stale(tmp_path) == []


def test_the_classes_of_settings_are_found_wherever_they_are():
    found = {each.__module__.partition(".")[0] for each in documentation.setting_classes()}
    assert {"connectors", "headrace", "jobs", "serving", "stack"} <= found


@pytest.mark.parametrize(("of", "name", "field"), SETTINGS)
def test_every_setting_has_a_description(of, name, field):
    assert (field.description or "").endswith("."), f"describe {of.__name__}.{name} in a sentence"
    assert len(field.description.split()) >= 3


@pytest.mark.parametrize("of", documentation.setting_classes(), ids=lambda each: each.__name__)
def test_every_class_of_settings_says_which_process_reads_it(of):
    assert len(of.READ_BY.split()) >= 2


def test_every_variable_that_the_code_names_stands_in_the_reference():
    page = documentation.settings()
    named = set()
    for package in (*documentation.PACKAGES, "deploy"):
        for path in (REPOSITORY / package).rglob("*.py"):
            named |= set(re.findall(r"\bHEADRACE_[A-Z0-9_]*[A-Z0-9]\b", path.read_text()))
    assert {each for each in named - INTERNAL if f"`{each}`" not in page and f"`{each}_" not in page} == set()


@pytest.mark.parametrize(
    "row",
    [
        "| `HEADRACE_PORT_OFFSET` | integer | `0` | ≥ 0, ≤ 40000 | Number that is added",
        "| `HEADRACE_REDIS_PASSWORD` | secret text | the file redis-password",
        "| `HEADRACE_BRIDGE_HTTP_PORT` | integer | 19100, the port plus HEADRACE_PORT_OFFSET | ≥ 0, ≤ 65535 |",
        "| `HEADRACE_SERVING_RATE_LIMIT` | number | `5000.0` | > 0 |",
    ],
)
def test_a_setting_stands_with_its_type_default_and_bounds(row):
    assert row in documentation.settings()


def test_the_pages_do_not_depend_on_the_environment(monkeypatch):
    before = [page() for page in documentation.PAGES.values()]
    monkeypatch.setenv("HEADRACE_PORT_OFFSET", "700")
    monkeypatch.setenv("HEADRACE_HOME", "/elsewhere")
    monkeypatch.setenv("COLUMNS", "40")
    assert [page() for page in documentation.PAGES.values()] == before
