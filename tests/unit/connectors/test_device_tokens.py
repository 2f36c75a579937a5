"""Tokens of devices: kept as hashes, read again when the file changes, and what they allow."""

import json

import pytest

from connectors.listener.device_tokens import (
    ANYBODY,
    DeviceTokens,
    UnusableTokens,
    add_devices,
    digest_of,
    read_tokens,
    revoke_devices,
)
from connectors.listener.settings import ListenerSettings
from connectors.mqtt_packets import MQTT_3_1_1, MQTT_5, ReasonCode, puback
from tests.unit.connectors.listener_in_memory import Listener, connect, publish

CREATED = "2026-11-30T12:00:00Z"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "secrets" / "device-tokens.jsonl"


def add(path, *devices, **options):
    return dict(add_devices(path, devices, options.pop("topics", ()), CREATED, **options))


def test_a_token_is_handed_out_once_and_only_its_hash_is_kept(path):
    tokens = add(path, "pump 7", "größe")
    assert [len(token) for token in tokens.values()] == [43, 43]
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert not any(token in text for token in tokens.values())
    assert [(each.device, each.sha256) for each in read_tokens(path)] == [
        (device, digest_of(tokens[device].encode())) for device in ("größe", "pump 7")
    ]


def test_who_shows_the_right_token_is_its_device(path):
    tokens = add(path, "pump", "valve")
    known = DeviceTokens(path)
    assert known.authenticate("pump", tokens["pump"].encode()).device == "pump"
    assert known.authenticate(None, tokens["valve"].encode()).device == "valve"
    for device, token in [("pump", tokens["valve"]), ("pump", ""), ("other", tokens["pump"]), (None, "x"), (None, "")]:
        assert known.authenticate(device, token.encode()) is None, (device, token)
    assert known.authenticate("pump", digest_of(tokens["pump"].encode()).encode()) is None
    assert known.authenticate("pump", None) is None
    assert known.authenticate(None, None) is None


def test_anybody_is_let_in_where_that_is_allowed_but_not_with_a_wrong_token(path):
    add(path, "pump")
    known = DeviceTokens(path, allow_anonymous=True)
    assert known.authenticate(None, None) is ANYBODY
    assert known.authenticate("pump", None) is ANYBODY
    assert known.authenticate("pump", b"wrong") is None


@pytest.mark.parametrize("names", [["pump"], ["pump", "new"], ["new", "pump"]])
def test_a_device_with_a_token_is_not_added_again_and_no_other_either(path, names):
    before = add(path, "pump")
    with pytest.raises(UnusableTokens, match="'pump' has a token already"):
        add(path, *names)
    assert [each.device for each in read_tokens(path)] == ["pump"]
    after = add(path, "pump", replace=True)
    known = DeviceTokens(path)
    assert known.authenticate("pump", before["pump"].encode()) is None
    assert known.authenticate("pump", after["pump"].encode()).device == "pump"


def test_a_revoked_device_is_gone_and_one_that_is_not_there_is_named(path):
    add(path, "pump", "valve", "fan")
    revoke_devices(path, ["pump", "fan"])
    assert [each.device for each in read_tokens(path)] == ["valve"]
    with pytest.raises(UnusableTokens, match="'pump' has no token"):
        revoke_devices(path, ["valve", "pump"])
    assert [each.device for each in read_tokens(path)] == ["valve"]


@pytest.mark.parametrize("name", ["", "a\nb", "a\0", "x" * 201])
def test_a_name_that_no_device_can_have_is_refused(path, name):
    with pytest.raises(UnusableTokens, match="1 to 200 characters"):
        add(path, "pump", name)
    assert not path.exists()


def test_a_topic_filter_that_is_none_is_refused(path):
    with pytest.raises(UnusableTokens, match="cannot be used"):
        add(path, "gateway", topics=["a/#/b"])


LINE = {"device": "pump", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["nonsense"], "line 1"),
        ([json.dumps(LINE), "", json.dumps(LINE)], "line 3: 'pump' stands there twice"),
        ([json.dumps(LINE | {"sha256": "short"})], "line 1: sha256"),
        ([json.dumps(LINE | {"token": "secret"})], "line 1: token"),
    ],
)
def test_a_broken_file_is_named_by_its_line_and_changes_nothing(path, lines, fault):
    token = add(path, "fan")["fan"]
    known = DeviceTokens(path)
    path.write_text("\n".join(lines))
    with pytest.raises(UnusableTokens, match=fault):
        read_tokens(path)
    assert not known.reload()
    assert known.authenticate("fan", token.encode()).device == "fan"


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(path):
    known = DeviceTokens(path)
    assert not known.reload()
    token = add(path, "pump")["pump"]
    assert known.authenticate("pump", token.encode()) is None
    assert known.reload()
    assert not known.reload()
    assert known.authenticate("pump", token.encode()).device == "pump"


@pytest.fixture
def listener(tmp_path):
    return Listener(tmp_path, allow_anonymous=False)


def test_a_client_without_the_right_token_is_refused_in_its_version(listener):
    token = listener.token("pump")
    for version, options, answer in [
        (MQTT_5, {}, b"\x20\x03\0\x87\0"),
        (MQTT_5, {"user": "pump", "password": "x"}, b"\x20\x03\0\x86\0"),
        (MQTT_5, {"user": "valve", "password": token}, b"\x20\x03\0\x86\0"),
        (MQTT_3_1_1, {}, b"\x20\x02\0\x05"),
        (MQTT_3_1_1, {"user": "pump", "password": "x"}, b"\x20\x02\0\x04"),
    ]:
        connection, transport = listener.mqtt()
        connection.data_received(connect(version, **options) + publish())
        assert (transport.take(), transport.closing) == (answer, True)
    assert listener.producer.sent == []


def test_a_device_publishes_to_its_own_topic_alone(listener):
    token = listener.token("pump")
    connection, transport = listener.mqtt_connected(user="pump", password=token)
    connection.data_received(publish(identifier=1) + publish(topic="fleet/valve/telemetry", identifier=2))
    connection.data_received(publish(topic="plant/4/torque", identifier=3) + publish(identifier=4))
    listener.store()
    refused = ReasonCode.NOT_AUTHORIZED
    assert transport.take() == puback(1) + puback(2, MQTT_5, refused) + puback(3, MQTT_5, refused) + puback(4)
    assert [sent.key for sent in listener.producer.sent] == [b"pump", b"pump"]


@pytest.mark.parametrize(("version", "qos"), [(MQTT_3_1_1, 1), (MQTT_3_1_1, 0), (MQTT_5, 0)])
def test_where_a_refusal_cannot_be_told_the_connection_ends(listener, version, qos):
    token = listener.token("pump")
    connection, transport = listener.mqtt_connected(version, user="pump", password=token)
    connection.data_received(publish(topic="fleet/valve/telemetry", version=version, qos=qos))
    assert transport.closing
    assert transport.take() == (b"\xe0\x01\x87" if version == MQTT_5 else b"")
    assert listener.producer.sent == []


def test_a_gateway_publishes_for_other_devices_as_far_as_its_filters_go(listener):
    token = listener.token("gateway", "plant/#", "fleet/{device}/telemetry")
    connection, transport = listener.mqtt_connected(user="gateway", password=token)
    connection.data_received(publish(topic="plant/4/torque", identifier=1) + publish(identifier=2))
    listener.store()
    assert transport.take() == puback(1) + puback(2)
    assert [sent.key for sent in listener.producer.sent] == [b"plant/4/torque", b"pump"]


def test_the_connection_of_a_revoked_device_ends_within_a_sweep_and_others_stay(listener):
    tokens = {device: listener.token(device) for device in ("pump", "valve")}
    transports = {
        device: listener.mqtt_connected(client=device, user=device, password=token)[1]
        for device, token in tokens.items()
    }
    revoke_devices(listener.settings.tokens_file, ["pump"])
    listener.sweep_at(1)
    assert transports["pump"].take() == b"\xe0\x01\x87"
    assert not transports["valve"].closing


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org"])
def test_anonymous_devices_are_let_in_on_loopback_only(host):
    with pytest.raises(ValueError, match="loopback address only"):
        ListenerSettings(host=host, allow_anonymous=True)
    assert not ListenerSettings(host=host).allow_anonymous


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_they_may_be_let_in_on_loopback(host):
    assert ListenerSettings(host=host, allow_anonymous=True).allow_anonymous


def test_tls_needs_both_files(tmp_path):
    with pytest.raises(ValueError, match="or neither"):
        ListenerSettings(tls_certificate=tmp_path / "a.pem")
