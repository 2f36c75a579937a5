import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt_bridge.topics import device_of, why_not
from schemas.limits import MAX_NAME_LENGTH

names = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1, max_size=200)


@given(names)
def test_any_name_without_a_slash_is_a_device(device: str) -> None:
    assert device_of(f"fleet/{device}/telemetry") == device


@given(st.text())
def test_any_topic_names_a_device_or_says_why_not(topic: str) -> None:
    device = device_of(topic)
    if device is None:
        assert why_not(topic)
    else:
        assert topic == f"fleet/{device}/telemetry"
        assert 0 < len(device) <= MAX_NAME_LENGTH
        device.encode()


@pytest.mark.parametrize("device", ["pump 7", 'a"b', "größe", "デバイス", "a.b-c_d", "💧", "+", "a'b; DROP"])
def test_names_with_spaces_quotes_and_unicode_are_fine(device: str) -> None:
    assert device_of(f"fleet/{device}/telemetry") == device


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("fleet//telemetry", "empty"),
        ("fleet/a/b/telemetry", "not fleet/"),
        ("fleet/a/telemetry/", "not fleet/"),
        ("fleet/telemetry", "not fleet/"),
        ("fleet/a/status", "not fleet/"),
        ("Fleet/a/telemetry", "not fleet/"),
        ("/fleet/a/telemetry", "not fleet/"),
        ("", "not fleet/"),
        ("fleet/a\nb/telemetry", "control character"),
        ("fleet/\x7f/telemetry", "control character"),
        ("fleet/\x85/telemetry", "control character"),
        (f"fleet/{'x' * 201}/telemetry", "201 characters"),
    ],
)
def test_other_topics_name_no_device(topic: str, reason: str) -> None:
    assert device_of(topic) is None
    assert reason in why_not(topic)
