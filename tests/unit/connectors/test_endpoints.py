"""Where the outside systems are."""

import os

import pytest

from connectors.endpoints import Endpoints, StackSettings


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch):
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)


def test_without_settings_the_local_stack_is_meant():
    endpoints = Endpoints.load()
    assert (endpoints.kafka, endpoints.redis_port, endpoints.influxdb_url) == (
        "127.0.0.1:19092", 16379, "http://127.0.0.1:18086"
    )  # fmt: skip


def test_the_port_offset_moves_every_port():
    plain, moved = (Endpoints.local(StackSettings(port_offset=offset)) for offset in (0, 500))
    ports = [(e.mqtt_port, e.redis_port, *(int(a.rpartition(":")[2]) for a in (e.kafka, e.flink, e.influxdb_url)))
             for e in (plain, moved)]  # fmt: skip
    assert [b - a for a, b in zip(*ports, strict=True)] == [500] * 5


def test_a_variable_of_the_environment_wins_over_the_local_stack(monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "kafka-1:9092,kafka-2:9092")
    monkeypatch.setenv("HEADRACE_REDIS_PORT", "6379")
    endpoints = Endpoints.load()
    assert (endpoints.kafka, endpoints.redis_port) == ("kafka-1:9092,kafka-2:9092", 6379)
    assert endpoints.redis_host == "127.0.0.1"


def test_the_endpoints_of_a_stack_are_its_own_whatever_the_environment_names(monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "elsewhere:9092")
    assert Endpoints.local(StackSettings()).kafka == "127.0.0.1:19092"


def test_secrets_come_from_the_stack_s_folder(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "influxdb-token").write_text("t0ken\n")
    (tmp_path / "secrets" / "redis-password").write_text("pass\n")
    endpoints = Endpoints.load(StackSettings(home=tmp_path))
    assert endpoints.influxdb_token.get_secret_value() == "t0ken"
    assert endpoints.redis_url == "redis://default:pass@127.0.0.1:16379/0"


def test_a_secret_of_the_environment_wins_over_the_folder(tmp_path, monkeypatch):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "influxdb-token").write_text("of the folder")
    monkeypatch.setenv("HEADRACE_INFLUXDB_TOKEN", "of the environment")
    assert Endpoints.load(StackSettings(home=tmp_path)).influxdb_token.get_secret_value() == "of the environment"


def test_no_secret_is_printed(tmp_path):
    (tmp_path / "secrets").mkdir()
    for name in ("influxdb-token", "redis-password"):
        (tmp_path / "secrets" / name).write_text("s3cret")
    endpoints = Endpoints.load(StackSettings(home=tmp_path))
    assert "s3cret" not in repr(endpoints) + str(endpoints) + endpoints.model_dump_json()
