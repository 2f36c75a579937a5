"""Whatever names a command of `headrace` names one that there is: documentation, messages, Makefile, scripts, tests."""

import subprocess

import pytest

from stack.layout import REPOSITORY
from tests.unit.headrace.command_tree import ANYTHING, fault, mentions, texts_of

SUFFIXES = (".md", ".py", ".sh", ".yml", ".yaml", ".sql", ".java", ".toml")
NAMES = ("Makefile", "Dockerfile", "image-check")
NOT_CHECKED = ("CHANGELOG.md",)
"""It names the commands of the past."""


def files():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    paths = [REPOSITORY / name for name in listed.stdout.split("\n") if name and name not in NOT_CHECKED]
    return [path for path in paths if path.is_file() and (path.suffix in SUFFIXES or path.name in NAMES)]


def test_every_command_that_is_named_anywhere_exists():
    found, wrong = 0, []
    for path in files():
        if path.name == "test_command_mentions.py":
            continue
        for words in (each for text in texts_of(path) for each in mentions(text)):
            found += 1
            if reason := fault(words):
                wrong.append(f"{path.relative_to(REPOSITORY)}: headrace {' '.join(words)}: {reason}")
    assert wrong == []
    assert found > 300  # the search itself works


@pytest.mark.parametrize(
    "text",
    [
        "See headrace log kafka",
        "headrace train churn DATA.csv",
        "headrace churn train DATA.csv --promoted",
        "headrace balance --within=5 --for-long",
        f"headrace {ANYTHING} training DATA.csv",
    ],
)
def test_a_command_or_option_that_does_not_exist_is_found(text):
    [words] = mentions(text)
    assert fault(words) is not None


@pytest.mark.parametrize(
    "text",
    [
        "`headrace dlq ls`",
        "wait for it:  headrace balance --within 120",
        "headrace privacy forget -- -17",
        "headrace logs taskmanager -n 200 | grep headrace",
        "headrace setup [--with postgres,connect]",
        f"headrace {ANYTHING} train DATA.csv --promote",
        "headrace --version",
    ],
)
def test_a_command_that_exists_is_accepted(text):
    words, *_ = mentions(text)
    assert fault(words) is None


@pytest.mark.parametrize("text", ["ALTER PUBLICATION headrace ADD TABLE a", "headrace pseudonym key 1", "the headrace"])
def test_text_that_calls_no_command_is_passed_over(text):
    assert list(mentions(text)) == []
