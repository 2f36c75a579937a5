"""`headrace source`: sources listed, added and tried without a stack."""

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import SecretStr
from typer.testing import CliRunner

from connectors.endpoints import Endpoints, StackSettings
from headrace.cli.main import app
from headrace.sources import vectors
from headrace.sources.applied import Applied, AppliedSources
from headrace.sources.live import BrokerUnavailable, live_messages
from headrace.sources.preview import Previews, preview
from payload_codecs.sparkplug_b.data_types import DOUBLE
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from schemas.limits import PAYLOAD_BYTES
from schemas.presets import PRESETS, Preset, preset, preset_fields
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from schemas.sources_file import parse_sources
from stack.layout import Layout

SENSOR = '{"Time":"2026-11-30T09:12:04","AM2301":{"Temperature":14.5,"Humidity":"4,1"},"TempUnit":"C"}'
WIDE = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}


@pytest.fixture
def run(tmp_path):
    def call(*arguments, stdin=None, **env):
        environment = {"HEADRACE_HOME": str(tmp_path), "HEADRACE_SOURCES": None, **WIDE, **env}
        return CliRunner().invoke(app, ["source", *arguments], input=stdin, env=environment)

    return call


def declared(tmp_path, text):
    (tmp_path / "sources.toml").write_text(text)


@pytest.mark.parametrize("name", PRESETS)
def test_the_vectors_of_every_preset_become_what_they_say(name):
    assert list(vectors.failures(name)) == []
    assert preset(name).vector


def test_every_preset_has_a_vector_with_readings():
    assert [name for name in PRESETS if not any(vector.readings for vector in preset(name).vector)] == []


def test_a_vector_that_becomes_something_else_is_reported_with_both():
    wrong = preset("scalar").vector[0].model_copy(update={"payload": "22"})
    changed = Preset(**{**preset("scalar").model_dump(), "vector": [wrong]})
    [line] = vectors.failures("scalar", changed)
    assert "expected {'readings': [('kitchen', 'temperature', 21.5" in line
    assert "got {'readings': [('kitchen', 'temperature', 22.0" in line


def test_without_a_payload_all_vectors_are_decoded(run):
    for arguments in ((), ("--presets",)):
        shown = run("test", *arguments)
        assert shown.exit_code == 0
        assert f"test vectors of {len(PRESETS)} presets pass" in shown.output


def test_a_payload_is_shown_as_readings_and_rejections_with_their_reasons(run):
    shown = run("test", "--preset", "tasmota", "--topic", "tele/cellar/SENSOR", SENSOR)
    assert "source tasmota, 1 reading, 1 rejection" in shown.output
    assert "cellar  AM2301.Temperature  14.5   Cel   2026-11-30T09:12:04.000Z" in shown.output
    assert "rejected: bad_value  metric: AM2301.Humidity, value: 4,1" in shown.output
    assert shown.exit_code == 1


@pytest.mark.parametrize("how", ["argument", "file", "stdin"])
def test_a_payload_is_an_argument_a_file_or_stdin(run, tmp_path, how):
    payload = '{"temperature":20.4}'
    (tmp_path / "payload").write_text(payload)
    given = {"argument": [payload], "file": ["--file", str(tmp_path / "payload")], "stdin": ["-"]}[how]
    shown = run("test", "--topic", "fleet/a/telemetry", "--json", *given, stdin=payload)
    assert shown.exit_code == 0
    found = json.loads(shown.output)
    assert (found["source"], found["key"], found["rejections"]) == ("fleet", "a", [])
    assert [(each["metric"], each["value"], each["unit"]) for each in found["readings"]] == [
        ("temperature", 20.4, "Cel")
    ]


def test_bytes_that_are_no_text_reach_the_codec(run, tmp_path):
    (tmp_path / "payload").write_bytes(b'{"a":"\xff"}')
    shown = run("test", "--topic", "fleet/a/telemetry", "--file", str(tmp_path / "payload"))
    assert "rejected: invalid_utf8" in shown.output


def test_a_topic_that_no_source_reads_is_said(run):
    shown = run("test", "--topic", "a/b", "1")
    assert (shown.exit_code, shown.output) == (1, "a/b: no source reads this topic\n")
    shown = run("test", "--preset", "zigbee2mqtt", "--topic", "zigbee2mqtt/bridge/state", "1")
    assert shown.output == "zigbee2mqtt/bridge/state: passed over by a source's `ignore`\n"


@pytest.mark.parametrize("width", ["60", "80", "200"])
def test_nothing_of_a_reading_or_a_source_is_cut_in_a_narrow_terminal(run, tmp_path, width):
    device, metric = "press-hall-4-line-2", "hydraulic_pressure_of_the_main_cylinder" * 5
    payload = f'{{"metric":"{metric}","value":1234567.25,"unit":"Pa","ts":1719800000123,"seq":1234567890123}}'
    shown = run("test", payload, "--topic", f"fleet/{device}/telemetry", COLUMNS=width, TERMINAL_WIDTH=width).output
    fields = (device, metric, "1234567.25", "Pa", "2024-07-01T02:13:20.123Z", "1234567890123")
    headings = "device metric value unit event time sequence"
    table = shown.split("\n", 1)[1]
    assert sorted("".join(table.split())) == sorted("".join((*fields, headings)).replace(" ", ""))

    declared(
        tmp_path,
        f'[[source]]\nname = "a{"b" * 60}"\ntopic = "{"plant/" * 30}{{device}}/{{metric}}"\npreset = "scalar"\n',
    )
    listed = "".join(run("ls", COLUMNS=width, TERMINAL_WIDTH=width).output.split("\n", 1)[1].split())
    assert "…" not in listed
    assert listed.count("b") >= 60
    assert listed.count("/") == 31


def test_a_login_is_the_device_where_a_source_says_so(run):
    arguments = ("test", "--preset", "thingsboard", "--topic", "v1/devices/me/telemetry", '{"temperature":1}')
    assert "no_device" in run(*arguments).output
    assert "press-1  temperature" in run(*arguments, "--login", "press-1").output


def test_text_of_a_payload_is_not_read_as_markup(run):
    shown = run("test", "--topic", "fleet/[red]/telemetry", '{"values":{"[bold]x":1,"y":"[red]"}}')
    assert "[bold]x" in shown.output
    assert "value: [red]" in shown.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("test", "1"), "--topic"),
        (("test", "1", "--live", "3"), "give one of PAYLOAD"),
        (("test", "1", "--topic", "a", "--preset", "tasmotta"), "no preset 'tasmotta'"),
        (("add", "tasmotta"), "no preset 'tasmotta'; there are chirpstack"),
    ],
)
def test_what_is_wrong_with_the_arguments_is_one_line(run, arguments, message):
    shown = run(*arguments)
    assert shown.exit_code == 2
    assert message in shown.stderr


def test_mistakes_of_the_file_are_lines_and_no_traceback(run, tmp_path):
    declared(tmp_path, '[[source]]\nname = "a"\ntopics = "b"\n')
    shown = run("ls")
    assert shown.exit_code == 1
    assert f"{tmp_path}/sources.toml:3: unknown field `topics`" in shown.stderr


def test_the_default_source_is_listed_where_there_is_no_file(run, tmp_path):
    assert f"the default source, because there is no {tmp_path}/sources.toml" in run("ls").output
    assert json.loads(run("ls", "--json").output)["file"] is None


def test_a_list_has_every_filter_and_says_what_names_the_devices(run, tmp_path):
    declared(tmp_path, "".join(f'[[source]]\npreset = "{name}"\n' for name in PRESETS))
    shown = run("ls").output
    for text in (
        "tele/{device}/SENSOR",
        "tele/{device}/STATE",
        "the login",
        "@ of the payload",
        "zigbee2mqtt/{device}",
    ):
        assert text in shown
    assert [each["preset"] for each in json.loads(run("ls", "--json").output)["sources"]] == list(PRESETS)


def test_a_list_says_when_the_file_has_changed_since_it_was_applied(run, tmp_path):
    run("add", "tasmota")
    assert "has changed" not in run("ls").output
    record = AppliedSources.of_stack(Layout(tmp_path))
    record.submitted(Applied(None))
    assert run("ls").output.endswith("changed since it was applied. Apply it: headrace source apply\n")
    assert json.loads(run("ls", "--json").output)["changed_since_applied"] is True
    record.submitted(Applied((tmp_path / "sources.toml").read_text()))
    assert "has changed" not in run("ls").output


def test_without_a_running_stack_nothing_is_applied_and_other_clusters_are_pointed_to_the_docs(run):
    shown = run("apply")
    assert shown.exit_code == 1
    assert "No stack runs in" in shown.stderr
    assert "For another cluster: docs/how-to/sources.md" in shown.stderr


def test_mistakes_are_said_before_anything_is_applied(run, tmp_path):
    declared(tmp_path, '[[source]]\nname = "a"\ntopics = "b"\n')
    shown = run("apply")
    assert f"{tmp_path}/sources.toml:3: unknown field `topics`" in shown.stderr


def test_the_file_is_that_of_the_setting(run, tmp_path):
    file = tmp_path / "elsewhere" / "my.toml"
    assert run("add", "scalar", HEADRACE_SOURCES=str(file)).exit_code == 0
    assert file.exists()
    assert "home/{device}/{metric}" in run("ls", HEADRACE_SOURCES=str(file)).output


def test_a_new_file_begins_with_the_default_source(run, tmp_path):
    run("add", "tasmota")
    sources = parse_sources((tmp_path / "sources.toml").read_text()).sources
    assert sources[0] == DEFAULT_SOURCE
    assert [each.name for each in sources] == ["fleet", "tasmota"]


def test_a_source_is_appended_and_what_stands_there_stays_byte_by_byte(run, tmp_path):
    before = '# mine\n[[source]] # first\nname = "a"\ntopic = "Größe/{device}"'
    declared(tmp_path, before)
    arguments = ("--name", "plant-2", "--topic", 'p"1/{device}/S', "--topic", "p\\2/{device}/S")
    assert run("add", "tasmota", *arguments).exit_code == 0
    text = (tmp_path / "sources.toml").read_text()
    assert text.startswith(before + "\n\n# Tasmota firmware")
    added = parse_sources(text).sources[1]
    assert (added.name, added.preset, added.topic) == ("plant-2", "tasmota", ('p"1/{device}/S', "p\\2/{device}/S"))


def test_a_source_is_appended_with_the_line_ends_of_the_file(run, tmp_path):
    before = b'# mine\r\n[[source]]\r\nname = "a"\r\ntopic = "a/{device}"\r\n'
    (tmp_path / "sources.toml").write_bytes(before)
    assert run("add", "tasmota").exit_code == 0
    after = (tmp_path / "sources.toml").read_bytes()
    assert after.startswith(before + b"\r\n# Tasmota firmware")
    assert after.count(b"\r\n") == after.count(b"\n")


@pytest.mark.parametrize("form", ["file", "stdin"])
def test_a_payload_that_the_bridge_would_not_take_is_rejected(run, tmp_path, form):
    largest = b'{"t":1' + b" " * (PAYLOAD_BYTES - 7) + b"}"
    for payload, expected in (
        (largest, "1 reading"),
        (largest + b" ", "rejected: payload_too_large  over 262,144 bytes"),
    ):
        (tmp_path / "payload").write_bytes(payload)
        given = ("--file", str(tmp_path / "payload")) if form == "file" else ("-",)
        shown = run("test", "--topic", "fleet/p/telemetry", *given, stdin=payload if form == "stdin" else None)
        assert expected in shown.output


def test_no_more_of_an_endless_file_is_read_than_shows_that_it_is_too_large(run):
    assert "payload_too_large" in run("test", "--topic", "fleet/p/telemetry", "--file", "/dev/zero").output


def test_a_source_that_is_there_already_is_refused_and_the_file_stays(run, tmp_path):
    run("add", "tasmota")
    before = (tmp_path / "sources.toml").read_text()
    shown = run("add", "tasmota")
    assert shown.exit_code == 1
    assert "a source before is named 'tasmota' too" in shown.stderr
    assert (tmp_path / "sources.toml").read_text() == before


SUCCESS = ReasonCode(PacketTypes.CONNACK, "Success")


def at(host, **settings):
    return Endpoints.local(StackSettings()).model_copy(update={"mqtt_host": host, "mqtt_port": 1, **settings})


HERE = at("here")


class Client:
    """An MQTT client with messages of its own."""

    on_connect: Callable[..., object]
    on_subscribe: Callable[..., object]
    on_message: Callable[..., object]

    def __init__(self, messages, reasons=(), connected=SUCCESS):
        self._messages, self._reasons, self._connected = messages, reasons, connected
        self.subscribed, self.is_stopped = [], False

    def username_pw_set(self, user, password):
        self.login = (user, password)

    def tls_set(self, ca_certs):
        self.ca_certs = ca_certs

    def connect(self, host, port):
        if host == "nowhere":
            raise ConnectionRefusedError("refused")

    def subscribe(self, filters):
        self.subscribed += [(each, options.QoS) for each, options in filters]

    def loop_start(self):
        self.on_connect(self, None, None, self._connected, None)
        if self._connected.is_failure:
            return
        self.on_subscribe(self, None, 1, self._reasons, None)
        for topic, payload in self._messages:
            self.on_message(self, None, SimpleNamespace(topic=topic, payload=payload, retain=False))

    def disconnect(self):
        self.is_stopped = True

    def loop_stop(self):
        pass


def test_live_messages_come_by_a_subscription_without_acknowledgement():
    client = Client([("a/1", b"x"), ("a/2", b"y")])
    found = list(live_messages(HERE, ("a/+", "b/#"), 0.01, lambda: client))
    assert [(each.topic, each.payload) for each in found] == [("a/1", b"x"), ("a/2", b"y")]
    assert client.subscribed == [("a/+", 0), ("b/#", 0)]
    assert client.is_stopped


def test_a_subscription_that_is_refused_is_said_with_its_filters():
    client = Client([], [SimpleNamespace(is_failure=False), SimpleNamespace(is_failure=True)])
    with pytest.raises(BrokerUnavailable, match="refuses the subscription to b/#"):
        list(live_messages(HERE, ("a/+", "b/#"), 5, lambda: client))
    assert client.is_stopped


def test_no_broker_is_one_line():
    with pytest.raises(BrokerUnavailable, match=r"No MQTT broker answers at nowhere:1 \(refused\)"):
        list(live_messages(at("nowhere"), ("a",), 5, lambda: Client([])))


def test_live_messages_come_with_the_user_password_and_certificates_of_the_settings(tmp_path):
    client = Client([("a", b"x")])
    ca_file = tmp_path / "ca.pem"
    endpoints = at("here", mqtt_user="viewer", mqtt_password=SecretStr("pw"), mqtt_ca_file=ca_file)
    assert len(list(live_messages(endpoints, ("a",), 0.01, lambda: client))) == 1
    assert (client.login, client.ca_certs) == (("viewer", "pw"), str(ca_file))


def test_a_refused_login_is_said_and_not_waited_for():
    client = Client([], connected=ReasonCode(PacketTypes.CONNACK, "Not authorized"))
    with pytest.raises(BrokerUnavailable, match=r"Not authorized\. Check HEADRACE_MQTT_USER"):
        list(live_messages(HERE, ("a",), 5, lambda: client))
    assert client.subscribed == []
    assert client.is_stopped


def test_no_more_live_messages_are_kept_than_can_be_shown():
    client = Client([("a", b"x")] * 5000)
    assert len(list(live_messages(HERE, ("a",), 0.01, lambda: client))) == 1000


def test_the_preview_of_a_message_has_the_time_of_its_arrival():
    found = preview(Sources([DEFAULT_SOURCE]), "fleet/a/telemetry", b'{"t":1}', 1_796_000_000_000)
    assert [each.event_time for each in found.readings] == [1_796_000_000_000]
    assert found.is_usable


def test_messages_that_follow_each_other_are_previewed_with_what_earlier_ones_defined():
    previews = Previews(Sources([Source(**{**preset_fields("sparkplug-b"), "name": "plant"})]))
    birth = Payload(timestamp=1_796_000_000_000, seq=0)
    birth.metrics.add(name="flow", alias=1, datatype=DOUBLE, double_value=1.0)
    data = Payload(timestamp=1_796_000_000_001, seq=1)
    data.metrics.add(alias=1, double_value=2.0)
    sent = [("NDATA", data, 0), ("NBIRTH", birth, 1), ("NDATA", data, 1)]
    found = [
        previews.preview(f"spBv1.0/plant/{kind}/press", payload.SerializeToString(), 1_796_000_000_100 + later)
        for kind, payload, later in sent
    ]
    assert [[reading.value for reading in each.readings] for each in found] == [[], [1.0, 1.0], [2.0]]
    assert [each.is_usable for each in found] == [False, True, True]
