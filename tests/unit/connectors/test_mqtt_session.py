from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mqtt_bridge.session import Session, mqtt_client
from connectors.mqtt_bridge.settings import BridgeSettings
from tests.unit.connectors.in_memory import SETTINGS, Client

GRANTED, REFUSED = SimpleNamespace(is_failure=False), SimpleNamespace(is_failure=True)


def connect(client: Client, code: Any = GRANTED) -> None:
    client.on_connect(client, None, SimpleNamespace(session_present=True), code, None)


def test_it_subscribes_on_every_connect_though_the_session_persists() -> None:
    client = Client()
    session = Session(client, SETTINGS)
    connect(client)
    client.on_disconnect(client, None, None, "gone", None)
    connect(client)
    assert [topic for topic, _ in client.subscriptions] == ["fleet/#", "fleet/#"]
    assert {(options.QoS, options.retainHandling) for _, options in client.subscriptions} == {(1, 1)}
    assert session.connections == 2


def test_it_is_subscribed_only_when_the_broker_says_so() -> None:
    client = Client()
    session = Session(client, SETTINGS)
    connect(client)
    assert (session.connected, session.subscribed) == (True, False)
    client.on_subscribe(client, None, 1, [GRANTED], None)
    assert session.subscribed
    client.on_disconnect(client, None, None, "gone", None)
    assert (session.connected, session.subscribed) == (False, False)


def test_a_refused_subscription_ends_the_connection_so_that_it_is_tried_again() -> None:
    client = Client()
    session = Session(client, SETTINGS)
    connect(client)
    client.on_subscribe(client, None, 1, [REFUSED], None)
    assert not session.subscribed
    assert client.disconnects == 1


def test_a_refused_connection_subscribes_nothing() -> None:
    client = Client()
    session = Session(client, SETTINGS)
    connect(client, REFUSED)
    assert not session.connected
    assert client.subscriptions == []


def test_packet_identifiers_are_void_after_a_disconnect_and_before_a_connect() -> None:
    client, lost = Client(), []
    session = Session(client, SETTINGS)
    session.when_lost = lambda: lost.append(1)
    connect(client)
    client.on_disconnect(client, None, None, "gone", None)
    assert len(lost) == 2


def test_members_of_a_group_share_the_subscription() -> None:
    assert BridgeSettings(client_id="one", share_group="bridges").subscription == "$share/bridges/fleet/#"
    assert BridgeSettings().subscription == "fleet/#"


def test_a_member_of_a_group_without_a_name_of_its_own_is_refused() -> None:
    with pytest.raises(ValidationError, match="HEADRACE_BRIDGE_CLIENT_ID"):
        BridgeSettings(share_group="bridges")


def test_a_payload_that_no_record_holds_is_no_setting() -> None:
    with pytest.raises(ValidationError):
        BridgeSettings(max_payload_bytes=1024 * 1024)


def test_the_connection_keeps_the_session_and_limits_the_window_but_not_the_packet() -> None:
    client = mqtt_client(SETTINGS, "127.0.0.1", 1)
    properties: Any = client._connect_properties
    assert properties is not None
    assert client._clean_start is False
    assert properties.ReceiveMaximum == SETTINGS.max_inflight
    assert properties.SessionExpiryInterval == SETTINGS.session_expiry_s
    assert not hasattr(properties, "MaximumPacketSize")
