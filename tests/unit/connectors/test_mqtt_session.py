from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.endpoints import Endpoints, StackSettings
from connectors.mqtt_bridge.session import BrokerRefuses, Session, mqtt_client
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.subscriptions import Subscriptions
from connectors.mqtt_login import UnusableCertificates
from tests.unit.connectors.in_memory import SETTINGS, SUBSCRIPTIONS, Client


def code(value: int = 0) -> Any:
    return SimpleNamespace(is_failure=value >= 0x80, value=value)


def connect(client: Client, value: int = 0, kept: bool = True) -> None:
    client.on_connect(client, None, SimpleNamespace(session_present=kept), code(value), None)


def disconnect(client: Client, value: int = 0x80) -> None:
    client.on_disconnect(client, None, None, code(value), None)


def grant(client: Client, mid: int, *values: int) -> None:
    client.on_subscribe(client, None, mid, [code(value) for value in values or (1,)], None)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def session(client: Client) -> Session:
    return Session(client, SETTINGS, SUBSCRIPTIONS)


def test_it_subscribes_on_every_connect_though_the_session_persists(client: Client, session: Session) -> None:
    connect(client)
    disconnect(client)
    connect(client)
    assert [topic for topic, _ in client.subscriptions] == ["fleet/+/telemetry", "fleet/+/telemetry"]
    assert {(options.QoS, options.retainHandling) for _, options in client.subscriptions} == {(1, 1)}
    assert session.connections == 2


def test_it_is_subscribed_only_when_the_broker_has_granted_every_filter(client: Client) -> None:
    session = Session(client, SETTINGS, Subscriptions(["a/+", "b/+"]))
    told: list[bool] = []
    session.when_subscribed = told.append
    connect(client, kept=False)
    grant(client, 1)
    assert (session.connected, session.subscribed, told) == (True, False, [])
    grant(client, 2)
    assert (session.subscribed, told) == (True, [True])
    disconnect(client)
    assert (session.connected, session.subscribed) == (False, False)


def test_an_answer_to_a_subscription_of_the_last_connection_is_none_to_this_one(
    client: Client, session: Session
) -> None:
    connect(client)
    disconnect(client)
    connect(client)
    grant(client, 1)
    assert not session.subscribed
    grant(client, 2)
    assert session.subscribed


def test_only_filters_that_overlap_have_identifiers(client: Client) -> None:
    Session(client, SETTINGS, Subscriptions(["plant/+/a", "plant/4/+", "fleet/+/telemetry"]))
    connect(client)
    first, second, third = client.identifiers
    assert third is None
    assert first != second
    assert 0 < first < second <= 268_435_455


def test_filters_of_earlier_runs_are_unsubscribed_until_the_broker_has_answered(
    client: Client, session: Session
) -> None:
    connect(client)
    session.forget({"fleet/+/telemetry", "plant/#", "old/+"})
    assert client.unsubscribed == [["old/+", "plant/#"]]
    disconnect(client)
    connect(client)
    assert client.unsubscribed == [["old/+", "plant/#"]] * 2
    client.on_unsubscribe(client, None, 4, [code()], None)
    assert session.stale == frozenset()
    disconnect(client)
    connect(client)
    assert len(client.unsubscribed) == 2


def test_a_new_session_has_nothing_to_unsubscribe(client: Client, session: Session) -> None:
    session.forget({"plant/#"})
    connect(client, kept=False)
    assert client.unsubscribed == []


@pytest.mark.parametrize(
    ("value", "named"),
    [(0x86, "user and password"), (0x87, "may not connect"), (0x85, "client id"), (0x84, "MQTT 5")],
)
def test_a_connection_that_is_refused_for_good_ends_the_bridge(
    client: Client, session: Session, value: int, named: str
) -> None:
    session.require_accepted()
    connect(client, value)
    assert not session.connected
    assert client.subscriptions == []
    with pytest.raises(BrokerRefuses, match=named) as refusal:
        session.require_accepted()
    assert "HEADRACE_MQTT_USER" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", [0x88, 0x89, 0x97, 0x9F])
def test_a_broker_that_is_busy_is_tried_again(client: Client, session: Session, value: int) -> None:
    connect(client, value)
    session.require_accepted()
    assert not session.connected


def test_a_subscription_that_is_refused_for_good_ends_the_bridge(client: Client, session: Session) -> None:
    connect(client)
    grant(client, 1, 0x87)
    assert not session.subscribed
    assert client.disconnects == 1
    with pytest.raises(BrokerRefuses, match=r"fleet/\+/telemetry: this user may not read it"):
        session.require_accepted()


def test_a_subscription_that_is_refused_for_now_ends_the_connection_so_that_it_is_tried_again(
    client: Client, session: Session
) -> None:
    connect(client)
    grant(client, 1, 0x97)
    session.require_accepted()
    assert not session.subscribed
    assert client.disconnects == 1


def test_a_client_with_our_client_id_is_counted_where_the_broker_names_it(client: Client, session: Session) -> None:
    connect(client)
    disconnect(client, 0x8E)
    connect(client)
    disconnect(client, 0x8B)
    assert session.taken_over == 1


def test_packet_identifiers_are_void_after_a_disconnect_and_before_a_connect(client: Client, session: Session) -> None:
    lost: list[int] = []
    session.when_lost = lambda: lost.append(1)
    connect(client)
    disconnect(client)
    assert len(lost) == 2


def test_a_member_of_a_group_without_a_name_of_its_own_is_refused() -> None:
    with pytest.raises(ValidationError, match="HEADRACE_BRIDGE_CLIENT_ID"):
        BridgeSettings(share_group="bridges")


def test_a_payload_that_no_record_holds_is_no_setting() -> None:
    with pytest.raises(ValidationError):
        BridgeSettings(max_payload_bytes=1024 * 1024)


def endpoints(**changes: Any) -> Endpoints:
    return Endpoints.local(StackSettings()).model_copy(update=changes)


def test_the_connection_keeps_the_session_and_limits_the_window_but_not_the_packet() -> None:
    client = mqtt_client(SETTINGS, endpoints())
    properties: Any = client._connect_properties
    assert properties is not None
    assert client._clean_start is False
    assert properties.ReceiveMaximum == SETTINGS.max_inflight
    assert properties.SessionExpiryInterval == SETTINGS.session_expiry_s
    assert not hasattr(properties, "MaximumPacketSize")


def test_user_and_password_are_presented_and_are_in_no_text_of_the_settings() -> None:
    given = endpoints(mqtt_user="gateway", mqtt_password=SecretStr("s3cret"))
    client = mqtt_client(SETTINGS, given)
    assert (client._username, client._password) == (b"gateway", b"s3cret")
    assert "s3cret" not in repr(given)


def test_a_file_that_holds_no_certificates_is_named(tmp_path: Any) -> None:
    empty = tmp_path / "ca.pem"
    for path in (empty, tmp_path / "absent.pem"):
        with pytest.raises(UnusableCertificates, match=path.name):
            mqtt_client(SETTINGS, endpoints(mqtt_ca_file=path))
        empty.write_text("no certificate")
