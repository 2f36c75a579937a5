"""Configuration files and command lines of the servers."""

import configparser
import re
from pathlib import Path

import pytest

from connectors.entrance_records import FRAMING_BYTES
from connectors.mqtt_bridge.settings import BridgeSettings
from schemas.topics import MAX_MESSAGE_BYTES
from stack import flink_distribution, influxd, programs
from stack.connect import LOGGING, Connect
from stack.errors import StackError
from stack.influxdb import InfluxDB
from stack.kafka import Kafka
from stack.layout import FLINK_CONF, Layout
from stack.mosquitto import Mosquitto
from stack.postgres import Postgres
from stack.redis import Redis
from stack.secrets import INFLUXDB_PASSWORD, INFLUXDB_TOKEN, REDIS_PASSWORD, secret
from stack.servers import NAMES, SERVERS, STOP_WAVES, servers
from stack.supervision import Supervision
from stack.zookeeper import ZooKeeper


@pytest.fixture
def layout(tmp_path, monkeypatch):
    """A stack on moved ports, on a machine that has every program."""
    programs_folder = tmp_path / "usr" / "bin"
    programs_folder.mkdir(parents=True)
    for name in (*programs.DEBIAN_PACKAGES, "influxd"):
        (programs_folder / name).touch()
    monkeypatch.setattr(programs, "find", programs_folder.joinpath)
    monkeypatch.setattr(influxd, "find", lambda: programs_folder / "influxd")
    for variable in (flink_distribution.METRICS_SWITCH, flink_distribution.PROPERTIES):
        monkeypatch.delenv(variable, raising=False)
    return Layout(tmp_path / "home", 1000, tuple(each.name for each in SERVERS if each.optional))


def properties(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(re.split(r"\s*[=:]\s*|\s+", line, maxsplit=1) for line in lines)


@pytest.mark.parametrize("server", [Kafka, Connect])
def test_kafka_and_connect_log_as_a_file_that_exists_says(layout, server):
    (option,) = [word for word in server(layout).command() if "log4j2" in word]
    logging = properties(Path(option.removeprefix("-Dlog4j2.configurationFile=")))
    assert logging["appender.console.type"] == "CONSOLE"


def test_warnings_of_debezium_are_logged(layout):
    logging = properties(LOGGING)
    levels = [logging[name.replace(".name", ".level")] for name, value in logging.items() if "debezium" in value]
    assert levels
    assert set(levels) <= {"INFO", "WARN"}
    assert logging["rootLogger.level"] == "WARN"


def test_kafka_listens_on_loopback_at_moved_ports(layout):
    Kafka(layout).configure()
    written = properties(layout.home / "kafka" / "server.properties")
    assert written["listeners"] == "PLAINTEXT://127.0.0.1:20092,CONTROLLER://127.0.0.1:20093"
    assert written["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20092"


def test_kafka_takes_the_largest_message_and_transactions_of_a_day(layout):
    Kafka(layout).configure()
    written = properties(layout.home / "kafka" / "server.properties")
    assert int(written["message.max.bytes"]) >= MAX_MESSAGE_BYTES
    assert written["transaction.max.timeout.ms"] == "86400000"
    assert written["auto.create.topics.enable"] == "false"


def test_kafka_with_records_but_without_its_format_is_left_to_a_person(layout):
    (layout.folder("kafka", "data", "telemetry.raw-0") / "00.log").touch()
    with pytest.raises(StackError, match=r"meta\.properties"):
        Kafka(layout).before_start()


@pytest.mark.parametrize("left", ["data/base/1/1259", "data"])
def test_a_database_without_its_version_is_left_to_a_person(layout, left):
    path = layout.folder("postgres") / left
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("rows")
    with pytest.raises(StackError, match=r"lacks PG_VERSION.*rm -r"):
        Postgres(layout).before_start()
    assert path.read_text() == "rows"


def test_mosquitto_bounds_packets_connections_and_the_queue_of_each_client(layout):
    Mosquitto(layout).configure()
    written = properties(layout.home / "mosquitto" / "mosquitto.conf")
    assert written["listener"] == "12883 127.0.0.1"
    limits = ("max_packet_size", "max_connections", "max_queued_bytes", "max_queued_messages", "max_inflight_messages")
    assert all(int(written[name]) > 0 for name in limits)
    assert int(written["max_packet_size"]) > BridgeSettings().max_payload_bytes + FRAMING_BYTES
    assert int(written["max_inflight_messages"]) >= BridgeSettings().max_inflight
    assert "message_size_limit" not in written, "it drops what it acknowledges to MQTT 3.1.1 clients"


def test_mosquitto_stays_root_only_when_root_starts_it(layout, monkeypatch):
    for uid, users in ((0, {"user"}), (1000, set())):
        monkeypatch.setattr("os.getuid", lambda uid=uid: uid)
        Mosquitto(layout).configure()
        assert properties(layout.home / "mosquitto" / "mosquitto.conf").keys() & {"user"} == users


def test_redis_keeps_its_password_in_a_private_file_and_refuses_writes_when_full(layout):
    Redis(layout).configure()
    path = layout.home / "redis" / "redis.conf"
    assert path.stat().st_mode & 0o777 == 0o600
    written = properties(path)
    assert written["requirepass"] == secret(layout, REDIS_PASSWORD)
    assert (written["bind"], written["port"], written["maxmemory-policy"]) == ("127.0.0.1", "17379", "noeviction")


def test_zookeeper_listens_on_loopback_without_its_admin_server(layout):
    ZooKeeper(layout).configure()
    written = properties(layout.home / "zookeeper" / "zoo.cfg")
    assert (written["clientPortAddress"], written["clientPort"]) == ("127.0.0.1", "13181")
    assert written["admin.enableServer"] == "false"


def test_influxdb_listens_on_loopback(layout):
    assert "--http-bind-address=127.0.0.1:19086" in InfluxDB(layout).command()


def test_flinks_settings_are_the_committed_ones_and_what_depends_on_the_stack(layout):
    flink_distribution.write_configuration(layout)
    committed = properties(FLINK_CONF / "config.yaml")
    written = properties(layout.home / "flink" / "conf" / "config.yaml")
    assert written["rest.port"] == "19081"
    assert written["high-availability.zookeeper.quorum"] == "127.0.0.1:13181"
    assert written["execution.checkpointing.dir"] == f"file://{layout.home}/flink/state/checkpoints"
    assert written["taskmanager.numberOfTaskSlots"] == committed["taskmanager.numberOfTaskSlots"]
    unchanged = [key for key in committed if written.get(key) == committed[key]]
    assert len(unchanged) > len(committed) / 2


def test_no_setting_of_flink_stands_twice(layout):
    flink_distribution.write_configuration(layout)
    lines = (layout.home / "flink" / "conf" / "config.yaml").read_text().splitlines()
    keys = [line.partition(":")[0] for line in lines if line and not line.startswith("#")]
    assert len(keys) == len(set(keys))


def test_flinks_metrics_port_is_open_only_when_asked_for(layout, monkeypatch):
    flink_distribution.write_configuration(layout)
    path = layout.home / "flink" / "conf" / "config.yaml"
    assert "metrics.reporter" not in path.read_text().replace("#", "")
    monkeypatch.setenv(flink_distribution.METRICS_SWITCH, "1")
    flink_distribution.write_configuration(layout)
    assert properties(path)["metrics.reporters"] == "prom"


def test_flink_properties_replace_committed_settings_and_none_of_this_stack(layout, monkeypatch):
    monkeypatch.setenv(
        flink_distribution.PROPERTIES, "execution.checkpointing.interval: 250 ms\nrest.port: 1\nmetrics.reporters: x\n"
    )
    flink_distribution.write_configuration(layout)
    written = properties(layout.home / "flink" / "conf" / "config.yaml")
    assert written["execution.checkpointing.interval"] == "250 ms"
    assert written["rest.port"] == "19081"
    assert "metrics.reporters" not in written


def test_stale_jars_leave_flinks_lib(layout):
    lib = layout.folder("flink", "lib")
    (lib / "old-connector.jar").symlink_to("/nowhere/old-connector.jar")
    flink_distribution.write_configuration(layout)
    names = {path.name for path in lib.iterdir()}
    assert "old-connector.jar" not in names
    assert any(name.startswith("flink-python") for name in names)


def test_no_secret_stands_in_supervisords_configuration(layout):
    names = (REDIS_PASSWORD, INFLUXDB_TOKEN, INFLUXDB_PASSWORD)
    secrets = [secret(layout, name) for name in names]
    Supervision(layout).write_configuration(servers(layout))
    text = (layout.home / "run" / "supervisord.conf").read_text()
    assert not [each for each in secrets if each in text]


def test_supervisord_restarts_every_server_and_ends_its_children(layout):
    Supervision(layout).write_configuration(servers(layout))
    conf = configparser.RawConfigParser()
    conf.read(layout.home / "run" / "supervisord.conf")
    for name in NAMES:
        program = conf[f"program:{name}"]
        restarted = ("unexpected", "78") if name == "bridge" else ("true", None)
        assert (program["autorestart"], program.get("exitcodes")) == restarted
        assert program["killasgroup"] == "true"
        assert f'HEADRACE_PROCESS="{name}"' in program["environment"]
        assert 'HEADRACE_PORT_OFFSET="1000"' in program["environment"]


def test_every_server_is_stopped_in_exactly_one_wave():
    assert sorted(name for wave in STOP_WAVES for name in wave) == sorted(NAMES)


def test_no_two_servers_share_a_port(layout):
    ports = [port for server in servers(layout) for port in server.ports]
    assert len(ports) == len(set(ports))
