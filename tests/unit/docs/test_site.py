"""The pages of docs/ agree with the navigation, with each other, and with whatever names them elsewhere.

`zensical build --strict` (make check) checks links between pages; here is what it does not see.
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from headrace.cli.main import COMMANDS, NOUNS
from jobs.names import PACKAGES
from stack.layout import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
DECISIONS = sorted((DOCS / "adr").glob("0*.md"))
STATUS = re.compile(r"\A# (\d+)\. .+\n\nStatus: (accepted|superseded by \[ADR \d+\]\(\d{4}[\w.-]+\)).*\n")
HISTORY = {"CHANGELOG.md"}
"""Says where pages were at the time."""


def in_navigation(entries):
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from in_navigation([below] if isinstance(below, str) else below)


def tracked_texts():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = REPOSITORY / name
        if name not in HISTORY and path.is_file() and path.suffix not in {".svg", ".lock", ".json"}:
            yield name, path.read_text(errors="replace")


def missing_documents(text):
    """Paths below docs/ that the text names and that are not there; an ADR may be named by its number alone."""
    for named in re.findall(r"(?<![\w./-])docs/[\w/-]+(?:\.[a-z]+)?", text):
        path = named.rstrip("/")
        if not (REPOSITORY / path).exists() and not list(REPOSITORY.glob(f"{path}-*.md")):
            yield path


def test_every_page_has_a_place_in_the_navigation_and_every_place_a_page():
    settings = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())
    assert sorted(in_navigation(settings["nav"])) == PAGES


def test_every_path_below_docs_that_a_file_names_exists():
    missing = {f"{name}: {path}" for name, text in tracked_texts() for path in missing_documents(text)}
    assert missing - {"tests/unit/docs/test_site.py: docs/no/such_page.md"} == set()


def test_a_page_that_was_moved_is_found_missing():
    text = "see docs/no/such_page.md, docs/index.md, docs/adr/0004 and (docs/adr)"
    assert list(missing_documents(text)) == ["docs/no/such_page.md"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_pages_outside_of_the_site_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (REPOSITORY / name).read_text())
    assert links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_the_readme_begins_with_both_commands():
    first_screen = (REPOSITORY / "README.md").read_text().split("\n## ")[0]
    assert "make demo" in first_screen
    assert "make test" in first_screen


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_every_decision_has_its_number_and_a_status(page: Path):
    found = STATUS.match(page.read_text())
    assert found
    assert int(found[1]) == int(page.name[:4])


def test_the_index_lists_every_decision_once():
    listed = re.findall(
        r"^\| \d+ \| \[.+?\]\((0\d{3}-[\w.-]+)\)", (DOCS / "adr" / "index.md").read_text(), re.MULTILINE
    )
    assert listed == [page.name for page in DECISIONS]


def test_a_page_loads_nothing_from_elsewhere():
    """Neither a page nor the settings of the site name a script, a style or a picture of another host."""
    elsewhere = re.compile(r"!\[[^\]]*\]\(https?:|<(?:script|link|img)\b[^>]*https?:", re.IGNORECASE)
    assert [page for page in PAGES if elsewhere.search((DOCS / page).read_text())] == []
    settings = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())
    assert settings["theme"]["font"] is False
    assert "offline" not in settings["plugins"]


def adrs_named(text):
    return set(re.findall(r"\[ADR (\d+)\]", text))


def test_the_index_of_decisions_has_the_title_and_the_status_of_each():
    rows = re.findall(
        r"^\| (\d+) \| \[(.+)\]\((.+?)\) \| (.+) \|$", (DOCS / "adr" / "index.md").read_text(), re.MULTILINE
    )
    assert [path for _, _, path, _ in rows] == [page.name for page in DECISIONS]
    for number, title, path, status in rows:
        heading, _, stated = (DOCS / "adr" / path).read_text().split("\n", 3)[:3]
        assert heading == f"# {number}. {title}"
        overruled_by = {named for named in adrs_named(stated) if int(named) > int(number)}
        assert (number, adrs_named(status)) == (number, overruled_by)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_every_decision_has_context_decision_and_consequences(page: Path):
    parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert {"Context", "Decision", "Consequences"} <= set(parts)
    assert {"Considered", "Rejected", "Rejected, and what that costs"} & set(parts)


def test_the_archive_for_flink_run_has_every_package_that_a_job_imports():
    (line,) = re.findall(r"^git archive .* HEAD (.+)$", (DOCS / "how-to" / "submit_jobs.md").read_text(), re.MULTILINE)
    assert sorted(line.split()) == sorted(PACKAGES)


def test_the_table_of_commands_for_operators_has_all_of_them():
    page = (DOCS / "how-to" / "operating.md").read_text()
    names = [command.__name__ for commands in COMMANDS.values() for command in commands]
    names += [name for nouns in NOUNS.values() for name in nouns]
    assert [name for name in names if f"| `headrace {name}" not in page] == []


def test_every_guide_is_in_the_table_of_guides():
    table = (DOCS / "how-to" / "index.md").read_text()
    guides = {page.name for page in (DOCS / "how-to").glob("*.md")} - {"index.md"}
    assert {name for name in guides if f"]({name})" not in table} == set()


PACKAGES_OF_OURS = (
    "bench|connectors|deploy|drills|examples|flink|headrace|jobs|models|payload_codecs|schemas|serving|stack|tests"
)
SOURCE_FILE = re.compile(rf"(?<![\w/.-])(?:{PACKAGES_OF_OURS})/[\w/.-]+\.(?:py|sql|java|xml|sh)(?!\w)")
WRITTEN_BY_A_DRILL = "jobs/operators/record_fault.py"


def missing_sources(text):
    return [path for path in SOURCE_FILE.findall(text) if not (REPOSITORY / path).exists()]


def test_every_source_file_that_a_page_or_a_module_names_exists():
    missing = {
        f"{name}: {path}" for name, text in tracked_texts() for path in missing_sources(text) if ".../" not in path
    }
    own = {"tests/unit/docs/test_site.py: stack/no_such_file.py"}
    assert {each for each in missing - own if not each.endswith(WRITTEN_BY_A_DRILL)} == set()


def test_a_source_file_that_was_moved_is_found_missing():
    assert missing_sources("see stack/no_such_file.py, stack/lifecycle.py and .venv/bin/stack/x.py") == [
        "stack/no_such_file.py"
    ]
