import urllib.error
import urllib.request

import pytest

from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.http import Pages, serve
from connectors.mqtt_bridge.loop import NetworkLoop
from connectors.mqtt_bridge.session import Session
from connectors.mqtt_bridge.status import Status
from tests.unit.connectors.in_memory import SETTINGS, SUBSCRIPTIONS, Client, Clock, Message, Producer


@pytest.fixture
def status() -> Status:
    """Of a bridge through which messages flow."""
    client = Client()
    session = Session(client, SETTINGS, SUBSCRIPTIONS)
    session.connected = session.subscribed = True
    bridge = Bridge(client, Producer(), SETTINGS, monotonic_s=Clock(0.0))
    return Status("kafka:9092", session, None, bridge, reachable=lambda address: True)


def test_ready_when_connected_subscribed_and_kafka_takes_records(status: Status) -> None:
    assert Pages(status).answer("/readyz")[0] == 200


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda status: setattr(status.session, "connected", False), "not connected"),
        (lambda status: setattr(status.session, "subscribed", False), "not subscribed"),
        (lambda status: setattr(status, "bridge", None), "waiting for Kafka"),
        (lambda status: setattr(status, "reachable", lambda address: False), "does not answer"),
    ],
)
def test_not_ready_says_what_is_missing(status: Status, change: object, reason: str) -> None:
    change(status)  # type: ignore[operator]
    code, _, body = Pages(status).answer("/readyz")
    assert code == 503
    assert reason in body.decode()


def test_not_ready_while_kafka_stores_nothing_though_it_takes_connections(status: Status) -> None:
    assert status.bridge is not None
    status.bridge.take(None, None, Message())
    status.bridge._monotonic_s.now = 11.0  # type: ignore[attr-defined]
    assert b"stored nothing for 11 s" in Pages(status).answer("/readyz")[2]


def test_alive_while_the_loop_goes_round(status: Status) -> None:
    assert status.session is not None
    status.loop = NetworkLoop(Client(), status.session)  # type: ignore[arg-type]
    assert Pages(status).answer("/healthz")[0] == 200
    status.loop.turned_s -= 61
    assert Pages(status).answer("/healthz")[0] == 503


def test_metrics_count_what_came_and_what_was_refused(status: Status) -> None:
    assert status.bridge is not None
    status.bridge.take(None, None, Message())
    status.bridge.take(None, None, Message(topic="fleet/x"))
    text = Pages(status).answer("/metrics")[2].decode()
    assert "headrace_bridge_received_total 2.0" in text
    assert "headrace_bridge_in_flight 2.0" in text
    assert 'headrace_bridge_dead_letters_total{reason="no_device"} 1.0' in text


def test_the_server_answers_over_http(status: Status) -> None:
    server = serve(Pages(status), "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with urllib.request.urlopen(f"{base}/healthz", timeout=5) as answer:
            assert answer.read() == b"ok\n"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/", timeout=5)
    finally:
        server.shutdown()
        server.server_close()
