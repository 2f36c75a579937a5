"""Clients of Kafka and InfluxDB are made in one package each, and the errors of Kafka's clients end there."""

import ast
import re
from pathlib import Path

import pytest
from kafka.errors import (
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
)

from connectors.kafka.clients import (
    KafkaClientError,
    KafkaRefuses,
    KafkaUnavailable,
    RecordsRemoved,
    confirmed,
    translated,
)

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = (
    "connectors", "deploy", "drills", "examples", "flink", "headrace", "jobs", "models", "payload_codecs",
    "schemas", "serving", "stack",
)  # fmt: skip
MAY_MAKE_CLIENTS = {
    "bench/capture.py": "waits in a thread for changes that come: iterates over a subscription, as an application does",
    "bench/churn_job.py": "waits for scores that the job still writes: iterates over a subscription",
    "bench/peers/programs/kafka_python_loop.py": "is the loop that somebody would write, in an environment of its own",
    "tests/end_to_end/test_listener.py": "a reader that shares nothing with the code under test",
    "tests/end_to_end/test_local_stack.py": "asks the broker with a client of its own what `up` has made",
    "tests/end_to_end/test_mqtt_bridge.py": "a reader that shares nothing with the code under test",
    "tests/end_to_end/test_records_behind.py": "commits as Flink's source does, which ours does not",
}
"""Each with the reason. Unit tests that name clients in texts make none."""
KAFKA_CLIENTS = {"KafkaConsumer", "KafkaProducer", "KafkaAdminClient"}


def imported(source, packages):
    """(module, name) of every import from packages; the name is empty where the module itself is imported."""
    if not any(package in source for package in packages):
        return  # most modules: to parse all of them takes seconds
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def makes_kafka_clients(source):
    """Whether a module can make one: it imports a client's class, or the package that has them."""
    return any(
        module.partition(".")[0] == "kafka" and (name in KAFKA_CLIENTS or not name)
        for module, name in imported(source, ["kafka"])
    )


INFLUXDB_REQUEST = re.compile(r"""\.(post|build_request|request|stream)\([^)]*["']/api/v2/(write|query|delete)["']""")
"""Of data. That `stack` sets a new server up, over the same API, is no client's work."""


def makes_influxdb_clients(source):
    by_import = any(
        module.partition(".")[0] == "influxdb_client" for module, _ in imported(source, ["influxdb_client"])
    )
    return by_import or INFLUXDB_REQUEST.search(source) is not None


def names_exceptions_of_clients(source):
    """Whether a module names what a client raises, to catch it: by import, or as `redis.RedisError`."""
    by_import = any(
        module in ("kafka.errors", "redis.exceptions") or (module == "redis" and name.endswith("Error"))
        for module, name in imported(source, ["kafka.errors", "redis"])
    )
    return by_import or re.search(
        r"\b(redis\.(exceptions\.)?|httpx\.)\w*Error\b|psycopg\.(errors\b|\w*Error\b)", source
    )


def modules_outside(package, roots=PRODUCT):
    for root in roots:
        for path in (ROOT / root).rglob("*.py"):
            if not path.is_relative_to(ROOT / package):
                yield path


@pytest.mark.parametrize(
    ("package", "makes_clients", "excused"),
    [
        ("connectors/kafka", makes_kafka_clients, MAY_MAKE_CLIENTS),
        ("connectors/influxdb", makes_influxdb_clients, {}),
    ],
)
def test_clients_are_made_in_one_package(package, makes_clients, excused):
    outside = list(modules_outside(package, (*PRODUCT, "bench", "tests")))
    assert len(outside) > 300
    making = {str(path.relative_to(ROOT)) for path in outside if makes_clients(path.read_text())}
    assert making == set(excused)


@pytest.mark.parametrize(
    "source",
    [
        "from kafka.errors import KafkaError",
        "from redis.exceptions import TimeoutError",
        "from redis import RedisError",
        "import redis\ntry: ...\nexcept redis.RedisError: ...",
        "import httpx\ntry: ...\nexcept httpx.ConnectError: ...",
        "import psycopg\ntry: ...\nexcept psycopg.errors.ObjectInUse: ...",
    ],
)
def test_a_module_that_catches_what_a_client_raises_is_found(source):
    assert names_exceptions_of_clients(source)


def test_exceptions_of_clients_end_in_connectors():
    outside = list(modules_outside("connectors"))
    assert len(outside) > 100
    assert [str(path.relative_to(ROOT)) for path in outside if names_exceptions_of_clients(path.read_text())] == []


@pytest.mark.parametrize("source", ["import kafka", "from kafka import KafkaConsumer", "import kafka.admin as admin"])
def test_a_module_that_could_make_a_client_is_found(source):
    assert makes_kafka_clients(source)


@pytest.mark.parametrize("name", ["deletion", "reader", "writer"])
def test_a_module_that_sends_data_to_influxdb_is_found(name):
    assert makes_influxdb_clients((ROOT / "connectors" / "influxdb" / f"{name}.py").read_text())


def test_only_one_module_asks_for_the_offsets_of_groups():
    asking = [path for path in modules_outside("nowhere") if ".list_group_offsets(" in path.read_text()]
    assert asking == [ROOT / "connectors" / "kafka" / "reading.py"]


def test_only_one_loop_polls_a_consumer():
    polling = [path for path in modules_outside("nowhere") if ".poll(timeout_ms=" in path.read_text()]
    assert polling == [ROOT / "connectors" / "kafka" / "reading.py"]


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (KafkaConnectionError("gone"), KafkaUnavailable),
        (KafkaTimeoutError("late"), KafkaUnavailable),
        (NodeNotReadyError("later"), KafkaUnavailable),
        (KafkaError("what nobody knows"), KafkaUnavailable),
        (OffsetOutOfRangeError("0"), RecordsRemoved),
        (TopicAuthorizationFailedError("denied"), KafkaRefuses),
        (SaslAuthenticationFailedError("wrong password"), KafkaRefuses),
    ],
)
def test_an_error_of_the_client_becomes_one_of_the_tree_with_its_words(error, ours):
    with pytest.raises(ours, match=re.escape(str(error))), translated("broker:9092"):
        raise error


def test_a_fault_of_ours_is_no_outage():
    with pytest.raises(KafkaConfigurationError), translated("broker:9092"):
        raise KafkaConfigurationError("no such setting")


def test_an_error_of_the_client_without_words_is_named():
    with pytest.raises(KafkaUnavailable, match="KafkaConnectionError"), translated("broker:9092"):
        raise KafkaConnectionError


class Refused:
    def get(self, timeout):
        raise KafkaTimeoutError("not confirmed")


def test_what_kafka_has_not_confirmed_is_an_error_of_the_tree():
    with pytest.raises(KafkaClientError, match="not confirmed"):
        confirmed([Refused()], timeout_s=1)
