"""Commands that other packages contribute by entry point."""

from importlib.metadata import EntryPoint

import pytest
import typer
from typer.testing import CliRunner

from headrace.cli import contributed
from headrace.cli.groups import Program


@pytest.fixture
def run():
    """Runs a program that has the command `mine`, and those of the entry points `name=value`."""

    def run(entries, *arguments):
        app = typer.Typer(cls=Program, no_args_is_help=True)
        app.command("mine")(lambda: print("mine ran"))
        points = [EntryPoint(name, value, contributed.GROUP) for name, value in entries.items()]
        contributed.add_contributed(app, points)
        return CliRunner().invoke(app, arguments)

    return run


BROKEN = {
    "no module": "no_such_package.command:run",
    "no attribute": "headrace.cli.logs:no_such_command",
    "no module inside": "headrace.no_such_module:run",
}


def test_a_function_becomes_a_command_and_a_typer_a_group(run):
    entries = {"verb": "headrace.cli.logs:logs", "noun": "headrace.cli.cdc:cdc"}
    assert "Print the last lines" in run(entries, "verb", "--help").output
    assert "repair" in run(entries, "noun", "--help").output


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_a_package_that_cannot_be_imported_leaves_the_other_commands_alone(run, value):
    shown = run({"theirs": value}, "mine")
    assert (shown.exit_code, shown.output) == (0, "mine ran\n")


@pytest.mark.parametrize("arguments", [(), ("ls",), ("run", "a", "--report", "x.md", "-n", "3")])
@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_a_command_that_cannot_be_imported_says_so_in_one_line(run, value, arguments):
    shown = run({"theirs": value}, "theirs", *arguments)
    assert shown.exit_code == 1
    assert shown.stderr.count("\n") == 1
    name = "theirs"
    assert shown.stderr.startswith(f"✘ `headrace {name}` is not available")
    assert "Error: " in shown.stderr
    assert "Traceback" not in shown.output


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_help_lists_a_command_that_cannot_be_imported(run, value):
    assert "not available" in " ".join(run({"theirs": value}, "--help").output.split())


def test_code_that_raises_at_import_concerns_its_own_command_only(run, tmp_path, monkeypatch):
    (tmp_path / "raises_at_import.py").write_text("raise RuntimeError('two\\nlines')")
    monkeypatch.syspath_prepend(tmp_path)
    shown = run({"theirs": "raises_at_import:run"}, "theirs")
    assert shown.exit_code == 1
    assert "(RuntimeError: two lines)" in shown.stderr
