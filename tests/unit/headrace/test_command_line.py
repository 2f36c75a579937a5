"""The command line as a whole: its tree, its help, its completion, its errors."""

import json
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from headrace.cli.main import app
from stack.layout import REPOSITORY, Layout
from stack.secrets import INFLUXDB_TOKEN, REDIS_PASSWORD, secret
from tests.unit.headrace.command_tree import ROOT, fault, mentions, walk

PAGE = REPOSITORY / "docs" / "reference" / "cli.md"
NOUNS = {"alert",
    "source", "device", "dlq", "windows", "cdc", "privacy", "churn", "recommend", "model", "experiment", "demo",
    "drill",
}  # fmt: skip
VERBS = {"setup", "up", "status", "logs", "endpoints", "down", "submit", "publish", "score", "balance"}
TREE = [pytest.param(path, command, id=" ".join(("headrace", *path))) for path, command in walk()]


def run(*arguments, env=None):
    return CliRunner().invoke(app, list(arguments), env=env)


def test_commands_are_verbs_of_the_stack_or_verbs_of_a_noun():
    top = ROOT.commands
    assert {name for name, each in top.items() if hasattr(each, "commands")} == NOUNS
    assert {name for name, each in top.items() if not hasattr(each, "commands")} == VERBS
    assert max(len(path) for path, _ in walk()) == 2


@pytest.mark.parametrize(("path", "command"), TREE)
def test_every_command_argument_and_option_has_help(path, command):
    assert is_sentence(command.help.split("\n\n")[0])
    for each in command.params:
        assert each.hidden or is_sentence(each.help), f"{each.name} of headrace {' '.join(path)}: {each.help!r}"


@pytest.mark.parametrize(("path", "command"), TREE)
def test_help_shows_every_argument_and_option_whole_in_80_columns(path, command):
    shown = run(*path, "--help", env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert shown.exit_code == 0
    words = shown.output.split()
    for each in command.params:
        names = [(each.metavar or each.name).upper()] if each.param_type_name == "argument" else each.opts
        assert each.hidden or all(any(name in word.upper() for word in words) for name in map(str.upper, names)), names


@pytest.mark.parametrize(("path", "command"), TREE)
def test_the_reference_page_has_every_command_argument_and_option(path, command):
    title = f"headrace {' '.join(path)}".strip()
    section = PAGE.read_text().partition(f" `{title}`\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    assert section
    for each in command.params:
        names = each.opts if each.param_type_name == "option" else [each.metavar or each.name.upper()]
        assert each.hidden or all(f"`{name}" in section or f", `{name}`" in section for name in names), names


@pytest.mark.parametrize(("path", "command"), TREE)
def test_every_example_in_a_help_text_is_a_command_with_options_that_exist(path, command):
    for words in mentions(command.help):
        assert fault(words) is None


def test_a_help_text_without_words_is_noticed():
    assert not any(map(is_sentence, (None, "", "[7]", "Letters.", "all of them", "With those before")))
    assert is_sentence("Print JSON for programs.")


def is_sentence(text):
    """Three words or more, a capital letter first, a full stop at the end of the first paragraph."""
    first = (text or "").split("\n\n")[0].strip()
    return len(first.split()) >= 3 and first[0].isupper() and first.endswith((".", ".)", ":"))


def test_the_program_says_its_version():
    shown = run("--version")
    assert (shown.exit_code, shown.output) == (0, f"headrace {version('headrace')}\n")


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_a_noun_alone_shows_its_verbs(noun):
    shown = run(noun)
    assert all(verb in shown.output for verb in ROOT.commands[noun].commands)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ch", ["churn"]),
        ("churn ", ["train", "predict", "rescore", "features"]),
        ("churn train --fal", ["--false-alarm-cost"]),
        ("logs task", ["taskmanager"]),
        ("submit clean", ["clean_telemetry"]),
        ("dlq ls --reason bad_v", ["bad_value"]),
        ("model ls --name rec", ["recommend"]),
        ("drill run taskm", ["taskmanager-killed"]),
    ],
)
def test_the_shell_completes_commands_options_and_names(typed, offered):
    number = len(typed.split()) + typed.endswith(" ")
    asked = {"_HEADRACE_COMPLETE": "complete_bash", "COMP_WORDS": f"headrace {typed}", "COMP_CWORD": str(number)}
    shown = CliRunner().invoke(app, [], env=asked, prog_name="headrace")
    assert shown.output.split() == offered


def test_a_suggested_command_is_not_broken_by_a_frame():
    shown = run("drill", "run", "no-such-drill", env={"COLUMNS": "60", "TERMINAL_WIDTH": "60"})
    assert shown.exit_code == 2
    assert "there is no drill 'no-such-drill'. See all:  headrace drill ls" in shown.stderr


def test_endpoints_as_json_have_the_keys_people_script_against(tmp_path):
    layout = Layout(tmp_path, 300)
    password, token = secret(layout, REDIS_PASSWORD), secret(layout, INFLUXDB_TOKEN)
    shown = run("endpoints", "--json", "--home", str(tmp_path), "--port-offset", "300")
    assert json.loads(shown.output) == {
        "mqtt": {"host": "127.0.0.1", "port": 12183},
        "kafka": "127.0.0.1:19392",
        "redis": f"redis://default:{password}@127.0.0.1:16679/0",
        "influxdb": {"url": "http://127.0.0.1:18386", "org": "headrace", "bucket": "telemetry", "token": token},
        "flink": "http://127.0.0.1:18381",
    }


def test_an_error_is_one_line_without_a_stack_trace(tmp_path):
    shown = run("status", "--home", str(tmp_path))
    assert shown.exit_code == 1
    assert shown.stderr.strip() == f"✘ No stack runs in {tmp_path}. Start it:  headrace up"


def test_an_unknown_log_names_those_that_there_are(tmp_path):
    shown = run("logs", "oracle", "--home", str(tmp_path))
    assert shown.exit_code == 1
    assert "kafka" in shown.stderr


def test_logs_prints_the_last_lines(tmp_path):
    Layout(tmp_path).log("kafka").write_text("one\ntwo\nthree\n")
    assert run("logs", "kafka", "-n", "2", "--home", str(tmp_path)).output == "two\nthree\n"


def test_down_without_a_stack_does_nothing(tmp_path):
    assert run("down", "--home", str(tmp_path / "never")).exit_code == 0
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--with", "oracle"), "no optional server oracle"),
        (("--with", "connect"), "postgres,connect"),
        (("--only", "kafka,postgres"), "this stack has no postgres"),
    ],
)
def test_a_server_that_cannot_be_is_named(tmp_path, arguments, said):
    shown = run("up", "--home", str(tmp_path), *arguments)
    assert shown.exit_code == 2
    assert said in " ".join(shown.output.split())


def test_a_stack_remembers_its_optional_servers(tmp_path):
    Layout(tmp_path, 300, ("postgres", "connect")).remember()
    assert Layout.of(tmp_path).extras == ("postgres", "connect")
    shown = json.loads(run("endpoints", "--json", "--home", str(tmp_path)).output)
    assert shown["connect"] == "http://127.0.0.1:18383"
    assert shown["postgres"].endswith("@127.0.0.1:15732/postgres")


def test_the_command_that_removes_change_capture_says_what_does_not_answer(tmp_path):
    shown = run("cdc", "remove", "--home", str(tmp_path), "--port-offset", "300")
    assert shown.exit_code == 1
    assert "headrace up --with postgres,connect" in shown.stderr
