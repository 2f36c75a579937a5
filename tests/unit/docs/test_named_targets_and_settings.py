"""Make targets and settings that a text names exist. Commands: tests/unit/headrace/test_command_mentions.py."""

import re

from stack.layout import REPOSITORY
from tests.unit.docs.test_site import tracked_texts

TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
MAKE = re.compile(r"(?:`|^)make ([a-z]+(?:-[a-z]+)*)(?![\w-])", re.MULTILINE)
SETTING = re.compile(r"(?<![A-Z_])HEADRACE_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_]|[<{*])")
"""Not the beginning of several, such as HEADRACE_JOB_* or HEADRACE_<name>."""
SETTINGS_PAGE = "docs/reference/settings.md"
OWN = "tests/unit/docs/test_named_targets_and_settings.py"


def named_settings(name, text):
    return {(each, name) for each in SETTING.findall(text)}


def unknown_targets(text):
    return [target for target in MAKE.findall(text) if target not in TARGETS]


def test_every_make_target_that_a_file_names_exists():
    named = sum(len(MAKE.findall(text)) for _, text in tracked_texts())
    missing = [(name, target) for name, text in tracked_texts() if name != OWN for target in unknown_targets(text)]
    assert missing == []
    assert named > 50  # the search itself works


def test_every_setting_that_a_page_names_is_a_declared_one_or_is_read_by_code():
    """The page of settings is generated of those that are declared; tests and benchmarks read a few more themselves."""
    texts = [(name, text) for name, text in tracked_texts() if name != OWN]
    known = {
        each
        for name, text in texts
        if name == SETTINGS_PAGE or not name.endswith(".md")
        for each in SETTING.findall(text)
    }
    named = {found for name, text in texts if name.endswith(".md") for found in named_settings(name, text)}
    assert {found for found in named if found[0] not in known} == set()
    assert len(named) > 100


def test_every_setting_that_a_message_of_the_product_names_is_a_declared_one():
    declared = set(SETTING.findall((REPOSITORY / SETTINGS_PAGE).read_text()))
    product = ("connectors/", "headrace/", "jobs/", "models/", "payload_codecs/", "schemas/", "serving/", "stack/")
    named = {
        found for name, text in tracked_texts() if name.startswith(product) for found in named_settings(name, text)
    }
    assert {found for found in named if found[0] not in declared | NOT_FOR_PEOPLE} == set()
    assert len(named) > 50


NOT_FOR_PEOPLE = {"HEADRACE_PROCESS"}
"""By it `down` knows the processes that the stack has started."""


def test_a_target_or_a_setting_that_does_not_exist_is_found():
    assert unknown_targets("run `make test-nothing`, `make test-unit` or make sure") == ["test-nothing"]
    assert named_settings("a.md", "HEADRACE_JOB_* and HEADRACE_NO_SUCH, HEADRACE_<name>") == {
        ("HEADRACE_NO_SUCH", "a.md")
    }
