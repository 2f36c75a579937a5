"""docker-compose.yml: valid, private, durable, and set up as the local stack is.

compose-spec.json is the schema of the Compose Specification (Apache License 2.0), as the Go module
github.com/compose-spec/compose-go/v2 v2.16.2 carries it in schema/.
"""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from connectors.endpoints import CONNECT_PORT, POSTGRES_PORT, SERVING_PORT, Endpoints, StackSettings
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from jobs.names import JOBS
from stack import connect, haproxy, influxd, jars, postgres, programs
from stack.connect import Connect
from stack.layout import FLINK_CONF, REPOSITORY, Layout
from stack.servers import SERVERS

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
ONCE = {"create-topics", "capture", "submit"}
LONG_RUNNING = sorted(SERVICES.keys() - ONCE)
# The fork server runs inside of the service taskmanager (docs/adr/0013).
LOCAL_ONLY = {"forkserver", "serving-3", "serving-4", "listener-2", "listener-3", "listener-4"}
CAPTURE = {"postgres", "connect", "capture"}
SERVING = {"serving-1", "serving-2", "haproxy"}
IN_CONTAINERS = [server for server in SERVERS if server.name not in LOCAL_ONLY]
OURS = {
    "create-topics",
    "capture",
    "bridge",
    "listener-1",
    "corrector",
    "jobmanager",
    "taskmanager",
    "submit",
} | SERVING - {"haproxy"}


def environment(service):
    return SERVICES[service]["environment"]


def test_it_follows_the_compose_specification():
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)


def test_it_has_the_servers_of_the_local_stack():
    assert set(LONG_RUNNING) == {server.name for server in IN_CONTAINERS}


def test_ports_are_published_on_the_loopback_interface_only():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_no_service_uses_the_network_of_the_host():
    assert [name for name, service in SERVICES.items() if "network_mode" in service or "privileged" in service] == []


def test_published_ports_are_those_that_every_program_is_told_by_default():
    local = Endpoints.local(StackSettings())
    expected = {
        "mosquitto": local.mqtt_port,
        "kafka": int(local.kafka.rpartition(":")[2]),
        "redis": local.redis_port,
        "influxdb": int(local.influxdb_url.rpartition(":")[2]),
        "jobmanager": int(local.flink.rpartition(":")[2]),
        "postgres": POSTGRES_PORT,
        "connect": CONNECT_PORT,
        "haproxy": SERVING_PORT,
    }
    published = {name: int(SERVICES[name]["ports"][0].split(":")[1]) for name in expected}
    assert published == expected


def test_addresses_inside_are_names_of_services_and_the_ports_they_listen_on():
    variables = environment("bridge")
    for name in ("HEADRACE_MQTT_HOST", "HEADRACE_REDIS_HOST", "HEADRACE_POSTGRES_HOST"):
        assert variables[name] in SERVICES
    for name in ("HEADRACE_KAFKA", "HEADRACE_FLINK", "HEADRACE_INFLUXDB_URL", "HEADRACE_CONNECT"):
        assert variables[name].removeprefix("http://").partition(":")[0] in SERVICES
    assert f"PLAINTEXT://{variables['HEADRACE_KAFKA']}" in environment("kafka")["KAFKA_ADVERTISED_LISTENERS"]


@pytest.mark.parametrize("service", sorted(OURS))
def test_our_processes_are_told_every_address(service):
    secrets = {"redis_password", "influxdb_token"}
    defaults = {"influxdb_org", "influxdb_bucket", "mqtt_user", "mqtt_password", "mqtt_tls", "mqtt_ca_file"}
    wanted = {f"HEADRACE_{name.upper()}" for name in Endpoints.model_fields.keys() - secrets - defaults}
    assert wanted <= environment(service).keys()


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_long_running_services_are_watched_and_restarted(service):
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("service", sorted(ONCE))
def test_services_that_end_are_not_started_again_after_success(service):
    assert SERVICES[service]["restart"].startswith("on-failure")


@pytest.mark.parametrize("server", IN_CONTAINERS, ids=lambda server: server.name)
def test_services_have_as_long_to_stop_as_in_the_local_stack(server):
    assert SERVICES[server.name]["stop_grace_period"] == f"{server.stop_within_s}s"


def test_servers_that_must_be_ready_before_another_are_waited_for():
    # The bridge's Kafka is waited for by create-topics, without which the bridge has nowhere to write.
    assert SERVICES["create-topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert SERVICES["bridge"]["depends_on"]["create-topics"]["condition"] == "service_completed_successfully"
    assert SERVICES["bridge"]["depends_on"]["mosquitto"]["condition"] == "service_healthy"
    for service in SERVICES.values():
        for name, dependency in service.get("depends_on", {}).items():
            if dependency["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_change_capture_is_there_for_those_who_ask_for_it():
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["capture"]} == CAPTURE
    always = [service for service in SERVICES.values() if "profiles" not in service]
    waits_for = {name for service in always for name in service.get("depends_on", {})}
    assert not waits_for & CAPTURE


def test_the_rest_api_is_there_for_those_who_ask_for_it():
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["serving"]} == SERVING
    outside = [service for name, service in SERVICES.items() if name not in SERVING]
    assert not {name for service in outside for name in service.get("depends_on", {})} & SERVING


def test_the_connector_waits_for_what_it_reads_and_writes():
    assert SERVICES["connect"]["depends_on"].keys() == set(Connect.after)
    assert SERVICES["capture"]["depends_on"].keys() == {"create-topics", "postgres", "connect"}


def test_jobs_are_submitted_once_everything_they_use_is_there():
    waits_for = SERVICES["submit"]["depends_on"]
    assert waits_for.keys() >= {"create-topics", "jobmanager", "taskmanager", "redis", "influxdb"}
    assert SERVICES["submit"]["command"] == ["submit"], f"no name submits all: {JOBS}"


def test_every_volume_is_named_and_used():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    sources = {mount.partition(":")[0] for mount in mounts}
    assert {source for source in sources if not source.startswith("./")} == COMPOSE["volumes"].keys()
    for source in sources:
        if source.startswith("./"):
            assert (REPOSITORY / source).is_file()


def test_jobmanager_and_taskmanager_share_the_state_that_flinks_settings_name():
    for service in ("jobmanager", "taskmanager"):
        assert "flink-state:/opt/flink/state" in SERVICES[service]["volumes"]
    committed = (FLINK_CONF / "config.yaml").read_text()
    folders = re.findall(r"^\S+: file://(\S+)$", committed, re.MULTILINE)
    assert folders
    assert [folder for folder in folders if not folder.startswith("/opt/flink/state/")] == []


# ---------------------------------------------------------------- secrets


def test_no_secret_stands_in_a_variable_or_a_command():
    sensitive = re.compile(r"PASSWORD|TOKEN|SECRET|KEY", re.IGNORECASE)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            is_path = name.endswith("_FILE") and value.startswith(("/run/secrets/", "/opt/secrets/"))
            assert is_path or not sensitive.search(name), name
        assert "requirepass" not in str(service)


def test_our_processes_find_secrets_where_they_look_for_them():
    """HEADRACE_HOME of the image is /opt; connectors.endpoints reads <home>/secrets."""
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    home = Path(re.search(r"HEADRACE_HOME=(\S+)", dockerfile)[1])
    targets = {secret["target"] for secret in SERVICES["taskmanager"]["secrets"]}
    assert targets == {str(home / "secrets" / name) for name in ("redis-password", "influxdb-token")}


def test_instances_of_the_api_have_its_key_and_no_secret_that_they_do_not_use():
    for name in SERVING - {"haproxy"}:
        targets = {secret["target"] for secret in SERVICES[name]["secrets"]}
        assert targets == {"/opt/secrets/redis-password", "/opt/secrets/serving-key"}
    holders = {name for name, service in SERVICES.items() if "serving-key" in str(service.get("secrets"))}
    assert holders == SERVING - {"haproxy"}


def test_secrets_that_a_service_reads_are_given_to_it():
    for name, service in SERVICES.items():
        given = {secret for secret in service.get("secrets", []) if isinstance(secret, str)}
        read = set(re.findall(r"/run/secrets/([\w.-]+)", str(service)))
        assert read <= given, name
        assert given <= COMPOSE["secrets"].keys()


# ---------------------------------------------------------------- versions


def test_kafka_has_the_version_of_the_local_broker_and_of_the_client_jars():
    (version,) = re.findall(r"<kafka\.version>(.+)</kafka\.version>", (FLINK_CONF / "pom.xml").read_text())
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


def test_influxdb_has_the_version_that_the_local_stack_builds():
    assert SERVICES["influxdb"]["image"] == f"influxdb:{influxd.version()}"


def test_other_servers_have_the_versions_of_the_design():
    names = ("redis", "mosquitto", "zookeeper", "postgres", "haproxy")
    images = {name: SERVICES[name]["image"] for name in names}
    assert images == {
        "redis": "redis:7", "mosquitto": "eclipse-mosquitto:2", "zookeeper": "zookeeper:3.9", "postgres": "postgres:15",
        "haproxy": "haproxy:2.6",
    }  # fmt: skip


def test_connect_is_the_image_of_the_broker_with_the_jars_of_the_local_stack():
    dockerfile = (REPOSITORY / SERVICES["connect"]["build"]["dockerfile"]).read_text()
    assert re.search(r"^ARG KAFKA=(.+)$", dockerfile, re.MULTILINE)[1] == SERVICES["kafka"]["image"]
    assert "-P debezium " in dockerfile
    assert "debezium" in jars.GROUPS


def test_all_our_services_are_one_image():
    assert {name for name, service in SERVICES.items() if service["image"] == "headrace"} == OURS
    assert all((REPOSITORY / SERVICES[name]["build"]["dockerfile"]).is_file() for name in OURS)


# ---------------------------------------------------------------- settings: those of the local stack


@pytest.fixture
def written(tmp_path):
    """Settings that the local stack writes for a server, without those of its folder and its ports."""
    layout = Layout(tmp_path)

    def settings(name, file):
        server = next(server for server in SERVERS if server.name == name)
        server(layout).configure()
        return parsed((tmp_path / name / file).read_text())

    return settings


def parsed(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return sorted(tuple(re.split(r"\s*=\s*|\s+", line, maxsplit=1)) for line in lines)


def without(settings, *names):
    return [(name, value) for name, value in settings if name not in names]


def test_kafka_is_set_up_as_the_local_one(written):
    addresses = {
        "controller.quorum.voters", "listeners", "advertised.listeners", "listener.security.protocol.map", "log.dirs",
    }  # fmt: skip
    variables = {name.removeprefix("KAFKA_").lower().replace("_", "."): v for name, v in environment("kafka").items()}
    del variables["heap.opts"]
    local = written("kafka", "server.properties")
    assert without(sorted(variables.items()), *addresses) == without(local, *addresses)


def test_kafka_has_the_heap_of_the_local_one(monkeypatch, tmp_path):
    from stack.kafka import Kafka

    monkeypatch.setattr(programs, "find", Path)
    local = [word for word in Kafka(Layout(tmp_path)).command() if word.startswith(("-Xm", "-XX"))]
    assert environment("kafka")["KAFKA_HEAP_OPTS"].split() == local


def test_mosquitto_is_set_up_as_the_local_one(written):
    in_compose = parsed((REPOSITORY / "deploy" / "mosquitto" / "mosquitto.conf").read_text())
    place = ("listener", "persistence_location", "user")
    assert without(in_compose, *place) == without(written("mosquitto", "mosquitto.conf"), *place)


def test_redis_is_set_up_as_the_local_one(written):
    in_compose = parsed((REPOSITORY / "deploy" / "redis" / "redis.conf").read_text())
    place = ("bind", "port", "dir", "requirepass", "include")
    assert without(in_compose, *place) == without(written("redis", "redis.conf"), *place)
    assert ("include", "/run/secrets/redis-auth.conf") in in_compose


def test_zookeeper_is_set_up_as_the_local_one(written):
    local = dict(written("zookeeper", "zoo.cfg"))
    variables = environment("zookeeper")
    names = {
        "tickTime": "ZOO_TICK_TIME",
        "admin.enableServer": "ZOO_ADMINSERVER_ENABLED",
        "4lw.commands.whitelist": "ZOO_4LW_COMMANDS_WHITELIST",
        "autopurge.snapRetainCount": "ZOO_AUTOPURGE_SNAPRETAINCOUNT",
        "autopurge.purgeInterval": "ZOO_AUTOPURGE_PURGEINTERVAL",
    }
    assert {setting: variables[name] for setting, name in names.items()} == {name: local[name] for name in names}


def test_influxdb_is_set_up_as_the_local_one(tmp_path):
    from stack.influxdb import InfluxDB

    local = InfluxDB(Layout(tmp_path))._first_setup("token")
    variables = environment("influxdb")
    for setting, name in {"username": "USERNAME", "org": "ORG", "bucket": "BUCKET"}.items():
        assert variables[f"DOCKER_INFLUXDB_INIT_{name}"] == local[setting]
    # Without a variable the image keeps readings for ever, as 0 seconds mean.
    assert local["retentionPeriodSeconds"] == 0
    assert "DOCKER_INFLUXDB_INIT_RETENTION" not in variables


def test_postgresql_is_set_up_as_the_local_one():
    told = [option.removeprefix("--") for option in SERVICES["postgres"]["command"][1:]]
    place = ("listen_addresses", "port", "unix_socket_directories")
    assert without(parsed("\n".join(told)), *place) == without(parsed(postgres.CONFIGURATION), *place)
    local = CaptureEndpoints.local(StackSettings())
    variables = environment("postgres")
    assert (variables["POSTGRES_USER"], variables["POSTGRES_DB"]) == (local.postgres_user, local.postgres_database)


def test_connect_is_set_up_as_the_local_one(written):
    in_compose = parsed((REPOSITORY / "deploy" / "connect" / "worker.properties").read_text())
    place = (
        "bootstrap.servers", "listeners", "rest.advertised.host.name", "plugin.path",
        "config.providers.file.param.allowed.paths",
    )  # fmt: skip
    assert without(in_compose, *place) == without(written("connect", "worker.properties"), *place)


def test_connect_logs_as_the_local_one():
    (option,) = [word for word in environment("connect")["KAFKA_LOG4J_OPTS"].split() if "log4j2" in word]
    inside = option.removeprefix("-Dlog4j2.configurationFile=")
    mounted = dict(reversed(each.removesuffix(":ro").split(":")) for each in SERVICES["connect"]["volumes"])
    assert (REPOSITORY / mounted[inside]).samefile(connect.LOGGING)


@pytest.mark.parametrize("service", sorted(OURS))
def test_every_process_of_ours_is_told_how_to_log(service):
    assert environment(service)["HEADRACE_LOG_LEVEL"] == "${HEADRACE_LOG_LEVEL:-}"
    assert environment(service)["HEADRACE_LOG_FORMAT"] == "${HEADRACE_LOG_FORMAT:-}"


def test_connect_has_the_heap_of_the_local_one(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "find", Path)
    local = [word for word in Connect(Layout(tmp_path)).command() if word.startswith(("-Xm", "-XX"))]
    assert environment("connect")["KAFKA_HEAP_OPTS"].split() == local


def test_the_connector_is_told_a_password_by_the_name_of_a_secret_that_connect_has():
    role = (REPOSITORY / "deploy" / "image" / "set_up_capture.py").read_text()
    (file,) = re.findall(r"\$\{file:/run/secrets/(.+):postgres\}", role)
    assert file in SERVICES["connect"]["secrets"]
    assert ("config.providers.file.param.allowed.paths", "/run/secrets") in parsed(
        (REPOSITORY / "deploy" / "connect" / "worker.properties").read_text()
    )


def test_haproxy_is_set_up_as_the_local_one():
    def settings(text):
        lines = [line.strip() for line in text.splitlines()]
        return [line for line in lines if line and not line.startswith(("#", "server ", "bind ", "{instances}"))]

    in_compose = settings((REPOSITORY / "deploy" / "haproxy" / "haproxy.cfg").read_text())
    resolvers = ["resolvers docker", "nameserver dns 127.0.0.11:53", "hold valid 1s"]
    local = settings(haproxy.CONFIGURATION.format(listen="", instances=""))
    assert [line for line in in_compose if line not in resolvers] == [line for line in local if line != "bind"]


def test_haproxy_knows_the_instances_and_their_port():
    written = (REPOSITORY / "deploy" / "haproxy" / "haproxy.cfg").read_text()
    ports = dict(re.findall(r"^    server (\S+) \1:(\d+) ", written, re.MULTILINE))
    variables = {name: environment(name)["HEADRACE_SERVING_PORT"] for name in SERVING - {"haproxy"}}
    assert ports == variables
