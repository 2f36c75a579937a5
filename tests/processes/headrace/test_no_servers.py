"""Every command that talks to a server, while no server runs: one or two lines and exit status 1, never a traceback."""

import socket

import pytest
from typer.testing import CliRunner

from connectors import endpoints
from headrace.cli.main import app
from tests.unit.headrace.command_tree import walk

PORT_OFFSET = 11_000
"""Below the range that the system gives to clients by itself."""
PORTS = [value for name, value in vars(endpoints).items() if name.endswith("_PORT")]

CUSTOMERS = "customer_id,plan\nc-1,basic\n"
READINGS = "time,temperature\n2024-07-01T00:00:00Z,21.5\n"
COMMANDS = {
    "status": ["status"],
    "submit": ["submit", "clean_telemetry"],
    "publish": ["publish", "FOLDER/readings.csv", "--device", "pump-7", "--metric", "temperature"],
    "balance": ["balance"],
    "balance json": ["balance", "--json"],
    "balance full": ["balance", "--full"],
    "cdc repair": ["cdc", "repair"],
    "cdc remove": ["cdc", "remove"],
    "dlq ls": ["dlq", "ls"],
    "dlq show": ["dlq", "show", "0:17"],
    "dlq replay": ["dlq", "replay", "--all"],
    "dlq fix": ["dlq", "fix", "--all", "--jq", "."],
    "windows correct": ["windows", "correct"],
    "churn features": ["churn", "features", "--as-of", "1d", "--out", "FOLDER/out.csv"],
    "experiment status": ["experiment", "status"],
    "churn rescore": ["churn", "rescore"],
    "forget": ["privacy", "forget", "u-17", "--yes"],
    "forget with a table": ["privacy", "forget", "u-17", "--yes", "--table", "FOLDER/customers.csv"],
    "pseudonym": ["privacy", "pseudonym", "u-17"],
    "model ls": ["model", "ls"],
    "alert ls": ["alert", "ls"],
    "alert confirm": ["alert", "confirm", "pump-7", "temperature", "2026-12-01T14:03:00.000"],
    "alert dismiss": ["alert", "dismiss", "pump-7", "temperature", "2026-12-01T14:03:00.000"],
    "source apply": ["source", "apply"],
    "source test live": ["source", "test", "--live", "1"],
}
REPORTS = {"cdc status": ["cdc", "status"]}
"""Commands whose answer is the outage itself: longer than two lines."""
ASK_NO_SERVER = {
    "logs mosquitto": ["logs", "mosquitto"],
    "endpoints": ["endpoints"],
    "down": ["down"],
    "churn train": ["churn", "train", "FOLDER/customers.csv"],
    "churn predict": ["churn", "predict", "FOLDER/customers.csv", "--out", "FOLDER/out.csv"],
    "recommend train": ["recommend", "train", "FOLDER/customers.csv"],
    "device add": ["device", "add", "pump-7"],
    "device ls": ["device", "ls"],
    "device revoke": ["device", "revoke", "pump-7"],
    "source ls": ["source", "ls"],
    "source add": ["source", "add", "tasmota"],
    "source test": ["source", "test", "21.5", "--topic", "fleet/pump/telemetry"],
    "model promote": ["model", "promote", "churn@3"],
    "model rollback": ["model", "rollback"],
    "experiment ls": ["experiment", "ls"],
    "experiment stop": ["experiment", "stop", "lists"],
    "experiment promote": ["experiment", "promote", "lists", "treatment"],
}
"""Commands that read files only: here those of an installation in which nothing was done yet."""
NOT_RUN = {"setup", "up", "demo telemetry", "demo churn", "demo recommend", "drill ls", "drill run", "score"}
"""Commands that start the servers themselves, a list that is part of the program, and one that knows of no stack."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    for port in PORTS:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port + PORT_OFFSET)) != 0, (
                f"something listens on {port + PORT_OFFSET}"
            )
    monkeypatch.setenv("HEADRACE_PORT_OFFSET", str(PORT_OFFSET))
    home = tmp_path / "home"
    (home / "secrets" / "pseudonyms").mkdir(parents=True)
    (home / "experiments.toml").write_text(
        '[lists]\ncontrol = { share = 50, list = "popular" }\ntreatment = { share = 50, list = "personal" }\n'
    )
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "readings.csv").write_text(READINGS)

    def run(arguments):
        filled = [each.replace("FOLDER", str(tmp_path)) for each in arguments]
        return CliRunner().invoke(app, [*filled, "--home", str(home)])

    return run


def assert_no_traceback(result):
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_without_servers_fails_in_a_line_or_two(run, name):
    result = run(COMMANDS[name])
    assert_no_traceback(result)
    assert result.exit_code == 1, result.output
    lines = [line for line in result.output.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 2, result.output
    assert lines[-1].startswith("✘ ")


@pytest.mark.parametrize("name", ASK_NO_SERVER)
def test_a_command_that_asks_no_server_ends_in_an_answer_or_in_a_line_or_two(run, name):
    result = run(ASK_NO_SERVER[name])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 1), result.output
    if result.exit_code:
        assert len(result.output.splitlines()) <= 2, result.output


def test_every_command_is_run_without_servers():
    leaves = {" ".join(path) for path, command in walk() if not hasattr(command, "commands")}
    run = [*COMMANDS.values(), *REPORTS.values(), *ASK_NO_SERVER.values()]
    missing = {leaf for leaf in leaves - NOT_RUN if not any(each[: len(leaf.split())] == leaf.split() for each in run)}
    assert missing == set(), "add them to COMMANDS, or to ASK_NO_SERVER"


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_without_servers_says_so_and_exits_with_1(run, name):
    result = run(REPORTS[name])
    assert_no_traceback(result)
    assert result.exit_code == 1
    assert "does not answer" in result.output


@pytest.mark.parametrize("arguments", [["experiment", "status"], ["experiment", "stop", "lists"]])
def test_a_file_that_may_not_be_read_is_named_in_one_line(run, tmp_path, arguments):
    declared = tmp_path / "home" / "experiments.toml"
    declared.unlink()
    declared.mkdir()  # root may read every file, and nobody may read a folder as one
    result = run(arguments)
    assert_no_traceback(result)
    assert result.exit_code == 1
    assert "experiments.toml: Is a directory" in result.output


def test_a_proxy_that_cannot_be_used_is_an_error_in_one_line(run, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    result = run(["submit", "clean_telemetry", "--target", "flink.example.org:8081"])
    assert_no_traceback(result)
    assert result.exit_code == 1
    assert "NO_PROXY" in result.output


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HEADRACE_LOG_LEVEL", "LOUD"), ("HEADRACE_PORT_OFFSET", "many"), ("HEADRACE_REDIS_PORT", "none")],
)
def test_a_setting_that_makes_no_sense_is_named_in_one_line(run, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    result = run(["dlq", "ls"])
    assert_no_traceback(result)
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith(f"✘ {variable}: ")
