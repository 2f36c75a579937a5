"""`headrace up --with serving`: instances of the REST API and HAProxy."""

import re
from urllib.parse import quote

import httptools
import pytest
import typer

from headrace.cli.options import named_servers
from serving.params import MAX_ID_LENGTH, MAX_QUERY_BYTES
from stack import programs, serving
from stack.errors import MissingProgram
from stack.haproxy import HAProxy
from stack.layout import Layout
from stack.secrets import SERVING_KEY, secret
from stack.servers import servers
from stack.serving import INSTANCES, require_serving_extra


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (None, None),
        ("postgres,connect", ("postgres", "connect")),
        ("serving", ("serving-1", "haproxy")),
        ("postgres,serving=2", ("postgres", "serving-1", "serving-2", "haproxy")),
        ("serving=4", ("serving-1", "serving-2", "serving-3", "serving-4", "haproxy")),
    ],
)
def test_serving_is_so_many_instances_and_haproxy(asked, names):
    assert named_servers(asked) == names


@pytest.mark.parametrize("asked", ["serving=0", "serving=5", "serving=", "serving=two", "serving=1=1", "serving=-1"])
def test_another_number_of_instances_is_refused(asked):
    with pytest.raises(typer.BadParameter, match="1 to 4 instances"):
        named_servers(asked)


@pytest.mark.parametrize("asked", ["haproxy", "serving-1", "oracle"])
def test_what_cannot_be_asked_for_is_named(asked):
    with pytest.raises(
        typer.BadParameter, match=f"no optional server {asked}; there are postgres, connect, serving, listener"
    ):
        named_servers(asked)


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "home", 1000, named_servers("serving=2"))


def test_instances_have_ports_of_their_own_and_one_key(layout):
    ours = [server for server in servers(layout) if server.optional]
    for server in ours:
        server.configure()
    ports = {server.name: server.environment().get("HEADRACE_SERVING_PORT") for server in ours}
    assert ports == {"serving-1": "19001", "serving-2": "19002", "haproxy": None}
    assert [server.ports for server in ours] == [[19001], [19002], [19000]]
    assert (layout.home / "secrets" / SERVING_KEY).stat().st_mode & 0o777 == 0o600


def test_haproxy_listens_on_loopback_and_knows_every_instance_that_may_come(layout):
    HAProxy(layout).configure()
    written = (layout.home / "haproxy" / "haproxy.cfg").read_text()
    assert re.findall(r"^    bind (.+)$", written, re.MULTILINE) == ["127.0.0.1:19000"]
    found = re.findall(r"^    server (\S+) (\S+)$", written, re.MULTILINE)
    assert found == [(each.name, f"127.0.0.1:{19000 + each.number}") for each in INSTANCES]
    assert secret(layout, SERVING_KEY) not in written


def test_haproxy_passes_on_every_url_that_an_instance_can_read_and_15_kb_of_headers(layout):
    HAProxy(layout).configure()
    written = (layout.home / "haproxy" / "haproxy.cfg").read_text()
    (buffer,) = re.findall(r"^    tune\.bufsize (\d+)$", written, re.MULTILINE)
    (longest_url,) = re.findall(r"status 414 .* if { url,length gt (\d+) }$", written, re.MULTILINE)
    # What rules may add is left free in each buffer: tune.maxrewrite, 1,024 bytes unless it is set.
    assert int(buffer) - 1024 >= int(longest_url) + 15_000
    longest_path = len(f"/users/{quote('🛒' * MAX_ID_LENGTH)}/recommendations")
    assert longest_path + len("?") + MAX_QUERY_BYTES <= int(longest_url)
    with pytest.raises(httptools.HttpParserInvalidURLError):
        httptools.parse_url(b"/" * (int(longest_url) + 1))


def test_without_the_extra_one_line_says_what_to_run(layout, monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None if name == "uvloop" else object())
    with pytest.raises(MissingProgram) as error:
        INSTANCES[0](layout).command()
    assert str(error.value) == "Serving needs uvloop. Install what it needs:  uv sync --extra serving"


def test_what_the_extra_has_is_what_is_looked_for():
    require_serving_extra()
    with pytest.raises(MissingProgram, match="no_such_package"):
        require_serving_extra(["json", "no_such_package"])


def test_haproxy_is_installed_for_those_who_serve():
    assert programs.of_servers(named_servers("serving")) == ("haproxy",)
    assert programs.of_servers(named_servers("postgres,connect")) == ("postgres", "initdb")


@pytest.mark.parametrize(
    ("asked", "names"),
    [("listener", ("listener-1",)), ("postgres,listener=2", ("postgres", "listener-1", "listener-2"))],
)
def test_listeners_are_so_many_processes(asked, names):
    assert named_servers(asked) == names


def test_listeners_share_the_ports_for_devices_and_have_one_each_for_probes(tmp_path):
    layout = Layout(tmp_path / "home", 1000, named_servers("listener=2"))
    ours = [server for server in servers(layout) if server.optional]
    shared = {
        (each.environment()["HEADRACE_LISTENER_MQTT_PORT"], each.environment()["HEADRACE_LISTENER_HTTP_PORT"])
        for each in ours
    }
    assert shared == {("12884", "19088")}
    assert [server.ports for server in ours] == [[20110], [20111]]
