"""Times of receipt, on clocks that are moved by hand."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.device_clock import MAX_LEAD_MS, MAX_WAIT_MS
from connectors.mqtt_bridge.origins import Origins
from connectors.mqtt_bridge.settings import BridgeSettings
from schemas.source import DEFAULT_SOURCE
from schemas.sources import Sources
from tests.unit.connectors.in_memory import Client, Clock, Message, Producer

DAY_MS = 24 * 60 * 60 * 1000
NOW_MS = 1_719_800_000_000
WITHOUT_TIME, WITH_TIME = b'{"metric":"t","value":1}', b'{"metric":"t","value":1,"ts":1719800000000}'


def origins(capacity=1000):
    return Origins(Sources([DEFAULT_SOURCE]), capacity=capacity)


class Stream:
    """A bridge whose wall clock is moved by hand."""

    def __init__(self):
        self.wall, self.producer, self.client = Clock(NOW_MS), Producer(stores=True), Client()
        self.bridge = Bridge(self.client, self.producer, BridgeSettings(http_port=0), clock_ms=self.wall)

    def take(self, payload=WITHOUT_TIME, device="pump", mid=1):
        """As the network loop: a message is read only where there is room."""
        assert self.bridge.has_room
        self.bridge.take(None, None, Message(payload, f"fleet/{device}/telemetry", mid))

    def pass_time(self, ms):
        self.wall.now += ms
        self.bridge.acknowledge()

    def times(self, device="pump"):
        return [int(dict(sent.headers)["received_at"]) for sent in self.producer.sent if sent.key == device.encode()]


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-3, 5)), max_size=200),
    st.integers(1, 7),
)
def test_times_increase_strictly_for_each_device_even_for_forgotten_ones(messages, capacity):
    remembered, now_ms, last = origins(capacity), NOW_MS, {}
    for device, step_ms in messages:
        now_ms += step_ms
        received_at = remembered.of(f"fleet/{device}/telemetry", now_ms).received_at(now_ms, WITHOUT_TIME)
        assert received_at > last.get(device, 0)
        last[device] = received_at


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from([WITHOUT_TIME, WITH_TIME]),
            st.one_of(st.integers(-30, 3), st.sampled_from([-DAY_MS, DAY_MS, -2000, -MAX_WAIT_MS, 5000])),
        ),
        max_size=300,
    ),
    st.integers(1, 4),
)
def test_no_time_is_more_than_a_second_ahead_whatever_the_clock_does(messages, capacity):
    remembered, now_ms = origins(capacity), NOW_MS
    for device, payload, step_ms in messages:
        now_ms = max(DAY_MS, now_ms + step_ms)
        received_at = remembered.of(f"fleet/{device}/telemetry", now_ms).received_at(now_ms, payload)
        assert received_at is None or now_ms <= received_at <= now_ms + MAX_LEAD_MS
        assert received_at is not None or payload is WITHOUT_TIME


def test_5000_messages_a_second_for_a_minute_wait_and_none_shares_its_time():
    here, arrived = Stream(), 0
    for ms in range(60_000):
        here.pass_time(1)
        due = 5 * (ms + 1)
        while arrived < due and here.bridge.has_room:
            here.take(mid=arrived % 60_000 + 1)
            arrived += 1
    times = here.times()
    assert len(set(times)) == len(times)
    assert times == sorted(times)
    assert times[-1] <= here.wall.now + MAX_LEAD_MS
    assert 60_000 <= len(times) <= 60_000 + MAX_LEAD_MS + 1
    assert here.bridge.held > 50_000


def test_5000_messages_a_second_that_have_their_own_time_do_not_wait():
    here = Stream()
    for _ in range(3000):
        here.pass_time(1)
        for _ in range(5):
            here.take(WITH_TIME)
    assert len(here.times()) == 15_000
    assert max(here.times()) <= here.wall.now + MAX_LEAD_MS
    assert here.bridge.held == 0


def test_a_burst_of_a_thousand_goes_through_at_once():
    here = Stream()
    for _ in range(MAX_LEAD_MS + 1):
        here.take()
    assert here.times() == list(range(NOW_MS, NOW_MS + MAX_LEAD_MS + 1))


def test_after_a_step_back_by_a_day_the_new_time_counts_at_once():
    here = Stream()
    here.take()
    here.wall.now -= DAY_MS
    here.take()
    here.take()
    assert here.times() == [NOW_MS, NOW_MS - DAY_MS, NOW_MS - DAY_MS + 1]
    assert (here.bridge.held, here.bridge.clock_set_back) == (0, 1)


def test_after_a_step_forward_by_a_day_and_back_no_time_comes_twice():
    here = Stream()
    for step_ms in (0, 1, DAY_MS, 1, 1, -DAY_MS, 1, 1):
        here.wall.now += step_ms
        here.take()
    times = here.times()
    assert len(set(times)) == len(times)
    assert times[-1] == here.wall.now
    assert here.bridge.clock_set_back == 1


def test_a_step_back_by_five_seconds_is_waited_for():
    here = Stream()
    here.take(mid=1)
    here.pass_time(-5000)
    here.take(mid=2)
    assert (here.bridge.in_flight, here.bridge.has_room) == (1, False)
    here.pass_time(3999)
    assert len(here.times()) == 1
    here.pass_time(2)
    assert here.times() == [NOW_MS, NOW_MS + 1]
    assert here.bridge.has_room


def test_while_one_device_waits_what_was_read_behind_it_keeps_its_place():
    here = Stream()
    here.take(mid=1)
    here.pass_time(-5000)
    here.take(mid=2)
    here.bridge.take(None, None, Message(WITHOUT_TIME, "fleet/other/telemetry", 3))
    here.bridge.take(None, None, Message(b"x", "nobody/reads/this", 4))
    assert here.bridge.in_flight == 3
    here.pass_time(5000)
    assert [sent.key for sent in here.producer.sent] == [b"pump", b"pump", b"other", None]
    assert here.bridge.in_flight == 0


def test_a_waiting_message_of_a_lost_connection_is_stored_and_not_acknowledged():
    here = Stream()
    here.take(mid=1)
    here.pass_time(-5000)
    here.take(mid=2)
    here.bridge.connection_lost()
    here.pass_time(5000)
    assert len(here.times()) == 2
    assert here.client.acknowledged == [1]


def test_a_thousand_devices_in_one_millisecond_do_not_move_the_clock():
    remembered = origins()
    for number in range(1000):
        assert remembered.of(f"fleet/{number}/telemetry", NOW_MS).received_at(NOW_MS, WITHOUT_TIME) == NOW_MS


def test_memory_for_topics_is_bounded_and_the_forgotten_are_not_ahead_after_a_step_back():
    remembered = origins(capacity=3)
    for number in range(100):
        remembered.of(f"fleet/{number}/telemetry", NOW_MS).received_at(NOW_MS, WITHOUT_TIME)
    assert len(remembered) == 3
    earlier_ms = NOW_MS - DAY_MS
    last = {}
    for turn in range(20):
        device = turn % 5
        received_at = remembered.of(f"fleet/{device}/telemetry", earlier_ms).received_at(earlier_ms, WITHOUT_TIME)
        assert last.get(device, 0) < received_at <= earlier_ms + MAX_LEAD_MS
        last[device] = received_at


def test_topics_that_no_source_reads_are_not_remembered():
    remembered = origins()
    assert remembered.of("fleet/a/status", NOW_MS) is None
    assert len(remembered) == 0
