"""The command line's own manners."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from headrace.cli.main import app
from stack.layout import Layout
from stack.secrets import INFLUXDB_TOKEN, REDIS_PASSWORD, secret

COMMANDS = ("up", "down", "status", "endpoints", "logs", "setup", "windows", "features", "train", "predict", "model")


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert command in shown.output


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


def test_importing_the_command_line_loads_no_client_and_no_flink():
    code = "import sys, headrace.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pyflink", "kafka", "redis", "httpx", "psutil", "pydantic"} & set(loaded)


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
