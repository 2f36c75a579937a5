"""Folders, ports and environment of a stack."""

from pathlib import Path

import pytest

from stack.errors import StackError
from stack.layout import MAX_SOCKET_PATH_BYTES, Layout


@pytest.fixture(autouse=True)
def _no_stack_in_the_environment(monkeypatch):
    for name in ("HEADRACE_HOME", "HEADRACE_PORT_OFFSET", "HEADRACE_KAFKA"):
        monkeypatch.delenv(name, raising=False)


def test_ports_are_moved_by_the_offset(tmp_path):
    endpoints = Layout(tmp_path, 500).endpoints
    assert (endpoints.mqtt_port, endpoints.kafka, endpoints.redis_port) == (12383, "127.0.0.1:19592", 16879)
    assert (endpoints.influxdb_url, endpoints.flink) == ("http://127.0.0.1:18586", "127.0.0.1:18581")


def test_home_and_offset_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    monkeypatch.setenv("HEADRACE_PORT_OFFSET", "700")
    assert Layout.of() == Layout(tmp_path, 700)


def test_an_option_wins_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_PORT_OFFSET", "700")
    assert Layout.of(tmp_path, 0) == Layout(tmp_path, 0)


def test_a_home_remembers_its_port_offset(tmp_path):
    Layout(tmp_path, 900).remember()
    assert Layout.of(tmp_path).port_offset == 900
    assert Layout.of(tmp_path, 100).port_offset == 100


def test_a_relative_home_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Layout.of(Path("here")).home == tmp_path / "here"


@pytest.mark.parametrize("name", ["with space", "a:b", "100%", 'quo"te'])
def test_a_home_that_flinks_scripts_cannot_take_is_refused(tmp_path, name):
    with pytest.raises(StackError, match="character"):
        Layout.of(tmp_path / name)


def test_the_socket_of_a_short_home_is_inside(tmp_path):
    layout = Layout(Path("/tmp/h"))
    assert layout.unix_socket("supervisor") == Path("/tmp/h/run/supervisor.sock")


def test_the_socket_of_a_long_home_is_in_a_short_private_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp/hr-test-runtime")
    one, other = (Layout(tmp_path / (letter * 100)).unix_socket("supervisor") for letter in "ab")
    assert len(str(one)) <= MAX_SOCKET_PATH_BYTES
    assert one != other
    assert one.parent.stat().st_mode & 0o777 == 0o700


def test_the_environment_names_the_stack_and_no_foreign_server(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "elsewhere:9092")
    monkeypatch.setenv("HEADRACE_REDIS_PASSWORD", "a secret of somebody")
    environment = Layout(tmp_path, 5).environment()
    assert environment["HEADRACE_HOME"] == str(tmp_path)
    assert environment["HEADRACE_PORT_OFFSET"] == "5"
    assert not {"HEADRACE_KAFKA", "HEADRACE_REDIS_PASSWORD"} & environment.keys()


PROXY_EXCEPTIONS = ("no_proxy", "NO_PROXY", "no_grpc_proxy")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "10.0.0.1, .example.org"}, "10.0.0.1,.example.org,localhost,127.0.0.1,::1"),
        ({"no_proxy": "localhost", "NO_PROXY": "influxdb"}, "localhost,influxdb,127.0.0.1,::1"),
        ({"no_grpc_proxy": "a", "no_proxy": "*"}, "*,a,localhost,127.0.0.1,::1"),
    ],
)
def test_processes_of_a_stack_reach_each_other_past_every_proxy(tmp_path, monkeypatch, given, expected):
    for name in PROXY_EXCEPTIONS:
        monkeypatch.delenv(name, raising=False)
    for name, hosts in given.items():
        monkeypatch.setenv(name, hosts)
    environment = Layout(tmp_path, 5).environment()
    found = {name: environment[name] for name in PROXY_EXCEPTIONS if name in environment}
    assert found == dict.fromkeys(("no_proxy", "NO_PROXY", *given), expected)


def test_the_endpoints_of_a_stack_are_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "elsewhere:9092")
    assert Layout(tmp_path, 0).endpoints.kafka == "127.0.0.1:19092"


def test_only_the_owner_enters_a_home(tmp_path):
    Layout(tmp_path / "home").folder("log")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
