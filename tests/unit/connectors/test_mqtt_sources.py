from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt_bridge.device_clock import Sources


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-3, 5)), max_size=200), st.integers(1, 7))
def test_received_at_increases_strictly_for_each_device_even_for_forgotten_ones(
    messages: list[tuple[str, int]], capacity: int
) -> None:
    sources, now_ms, last = Sources(capacity), 1000, dict[str, int]()
    for device, step_ms in messages:
        now_ms += step_ms  # a clock may be set back
        source = sources.of(f"fleet/{device}/telemetry")
        assert source is not None
        received_at = source.received_at(now_ms)
        assert received_at > last.get(device, 0)
        last[device] = received_at


def test_a_thousand_devices_in_one_millisecond_do_not_move_the_clock() -> None:
    sources = Sources()
    for number in range(1000):
        source = sources.of(f"fleet/{number}/telemetry")
        assert source is not None
        assert source.received_at(5) == 5


def test_memory_for_devices_is_bounded() -> None:
    sources = Sources(capacity=3)
    for number in range(100):
        sources.of(f"fleet/{number}/telemetry")
    assert len(sources._sources) == 3


def test_topics_without_device_are_not_remembered() -> None:
    sources = Sources()
    assert sources.of("fleet/a/status") is None
    assert len(sources._sources) == 0
