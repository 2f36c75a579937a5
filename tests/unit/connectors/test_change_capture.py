"""What Kafka Connect is given, and what is made of its answers."""

import json
import re

import httpx
import pytest

from connectors import http_clients
from connectors.endpoints import StackSettings
from connectors.postgres_cdc import ConnectorRefused, ConnectUnavailable, connector
from connectors.postgres_cdc.connector import ConnectorState
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.tables import CAPTURED, HEARTBEAT, SCHEMA
from schemas.topics import TOPICS


@pytest.fixture
def endpoints(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "postgres-password").write_text("only for clients\n")
    return CaptureEndpoints.local(StackSettings(home=tmp_path, port_offset=7))


@pytest.fixture
def connect(monkeypatch):
    """Connect's answers by method and path, and what it was asked."""
    answers, asked = {}, []

    def request(method, url, timeout_s, json=None):
        asked.append((method, url, json))
        status, body = answers[method, httpx.URL(url).path]
        return httpx.Response(status, json=body) if not isinstance(body, str) else httpx.Response(status, html=body)

    monkeypatch.setattr(http_clients, "request", request)
    return answers, asked


def test_the_password_is_named_and_not_written(endpoints):
    written = connector.configuration(endpoints, "${file:/home/secrets/connect.properties:postgres}")
    assert "only for clients" not in json.dumps(written)
    assert written["database.password"].startswith("${file:")


def test_every_captured_table_goes_to_the_topic_of_its_name_with_its_key():
    assert {table.topic for table in CAPTURED} <= set(TOPICS)
    assert {table.topic.cleanup_policy for table in CAPTURED} == {"compact"}
    written = connector._transforms()
    for table in CAPTURED:
        assert written[f"transforms.key-{table.name}.field"] == table.key
        assert written[f"predicates.key-{table.name}.pattern"] == rf"cdc\.public\.{table.name}"


def test_the_heartbeat_is_captured_like_a_table_since_its_arrival_is_the_proof(endpoints):
    written = connector.configuration(endpoints, "p")
    assert f"{SCHEMA}.{HEARTBEAT}" in written["table.include.list"].split(",")
    assert f"INSERT INTO {SCHEMA}.{HEARTBEAT} " in written["heartbeat.action.query"]


@pytest.mark.parametrize("table", CAPTURED, ids=lambda table: table.name)
def test_a_column_that_is_named_like_a_field_of_the_transforms_is_left_out(endpoints, table):
    """Two fields of one name fail the task, and with it the capture of every table."""
    written = connector.configuration(endpoints, "p")
    added = [
        "__deleted",
        *(f"__{field.replace('.', '_')}" for field in written["transforms.row.add.fields"].split(",")),
    ]
    excluded = written["column.exclude.list"].split(",")
    for name in added:
        assert any(re.fullmatch(each, f"{table.qualified}.{name}") for each in excluded), name
    for name in (table.key, "deleted", "__deleted_at", "x__deleted"):
        assert not any(re.fullmatch(each, f"{table.qualified}.{name}") for each in excluded), name


def test_settings_that_somebody_changed_are_named_and_the_password_is_not(endpoints, connect):
    there = connector.configuration(endpoints, "elsewhere") | {"name": "headrace"}
    connect[0]["GET", "/connectors/headrace/config"] = (200, there)
    assert connector.changed_settings(endpoints) == ()
    connect[0]["GET", "/connectors/headrace/config"] = (200, there | {"slot.name": "other", "extra": "1"})
    assert connector.changed_settings(endpoints) == ("extra=1", "slot.name=other")


def test_a_key_is_taken_out_while_the_topic_still_has_debeziums_name():
    order = connector._transforms()["transforms"].split(",")
    assert order[0] == "row"
    assert order[-1] == "topic"


def test_a_connector_that_is_there_as_wanted_is_left_alone(endpoints, connect):
    answers, asked = connect
    wanted = connector.configuration(endpoints, "p")
    answers["GET", "/connectors/headrace/config"] = (200, wanted | {"name": "headrace"})
    connector.register(endpoints, "p")
    assert [method for method, *_ in asked] == ["GET"]


def test_a_connector_that_differs_is_given_anew(endpoints, connect):
    answers, asked = connect
    answers["GET", "/connectors/headrace/config"] = (404, {"message": "not found"})
    answers["PUT", "/connectors/headrace/config"] = (201, {})
    connector.register(endpoints, "p")
    assert asked[-1] == (
        "PUT",
        "http://127.0.0.1:18090/connectors/headrace/config",
        connector.configuration(endpoints, "p"),
    )


def test_a_configuration_that_connect_refuses_is_an_error_with_its_words(endpoints, connect):
    answers, _ = connect
    answers["GET", "/connectors/headrace/config"] = (404, {})
    answers["PUT", "/connectors/headrace/config"] = (400, {"message": "slot.name is wrong"})
    with pytest.raises(ConnectorRefused, match=r"slot\.name is wrong"):
        connector.register(endpoints, "p")


@pytest.mark.parametrize("answer", [(409, {"message": "rebalance"}), (404, "<html>starting</html>"), (500, {})])
def test_a_connect_that_is_busy_with_itself_is_asked_again_later(endpoints, connect, answer):
    answers, _ = connect
    answers["GET", "/connectors/headrace/config"] = answers["PUT", "/connectors/headrace/config"] = answer
    with pytest.raises(ConnectUnavailable):
        connector.register(endpoints, "p")


@pytest.mark.parametrize(
    "message",
    [
        "Cannot complete request momentarily due to stale configuration (typically a concurrent config change)",
        "Cannot complete request because of a conflicting operation (e.g. worker rebalance)",
    ],
)
def test_a_connect_that_has_not_settled_yet_is_asked_until_it_has(endpoints, monkeypatch, message):
    settled = {"connector": {"state": "STOPPED"}, "tasks": []}
    answers = [httpx.Response(409, json={"message": message})] * 2 + [httpx.Response(200, json=settled)]
    monkeypatch.setattr(http_clients, "request", lambda *_, **__: answers.pop(0))
    assert connector.state(endpoints) == ConnectorState("STOPPED", "MISSING")
    assert answers == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"connector": {"state": "RUNNING"}, "tasks": [{"state": "RUNNING"}]}, ConnectorState("RUNNING", "RUNNING")),
        ({"connector": {"state": "RUNNING"}, "tasks": []}, ConnectorState("RUNNING", "MISSING")),
        (
            {"connector": {"state": "RUNNING"}, "tasks": [{"state": "FAILED", "trace": "No slot\n  at x"}]},
            ConnectorState("RUNNING", "FAILED", "No slot"),
        ),
        (
            {
                "connector": {"state": "RUNNING"},
                "tasks": [{"state": "FAILED", "trace": "Error\n\tat x\nCaused by: Middle\n\tat y\nCaused by: Root\n"}],
            },
            ConnectorState("RUNNING", "FAILED", "Root"),
        ),
        (
            {
                "connector": {"state": "RUNNING"},
                "tasks": [
                    {
                        "state": "FAILED",
                        "trace": "ConnectException: Tolerance exceeded in error handler\n\tat x\n"
                        "Caused by: SchemaBuilderException: Cannot create field",
                    }
                ],
            },
            ConnectorState("RUNNING", "FAILED", "SchemaBuilderException: Cannot create field", on_record=True),
        ),
    ],
)
def test_the_state_names_what_made_it_fail(endpoints, connect, status, expected):
    connect[0]["GET", "/connectors/headrace/status"] = (200, status)
    assert connector.state(endpoints) == expected
    assert expected.runs == (expected.task == "RUNNING")


def test_a_connector_that_is_not_there_is_missing(endpoints, connect):
    connect[0]["GET", "/connectors/headrace/status"] = (404, {"message": "No status found"})
    assert connector.state(endpoints) == ConnectorState("MISSING", "MISSING")
    assert connector.remove(endpoints) is False


def test_a_connect_that_does_not_answer_is_away(endpoints):
    with pytest.raises(ConnectUnavailable, match=r"127\.0\.0\.1:18090"):
        connector.state(endpoints)
