"""Times of receipt, on clocks that are moved by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.listener.record_intake import RecordIntake
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.origins import Origins
from connectors.time_of_receipt import MAX_LEAD_MS, MAX_WAIT_MS
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.unit.connectors.in_memory import Client, Clock, Message, Producer

DAY_MS = 24 * 60 * 60 * 1000
NOW_MS = 1_719_800_000_000
WITHOUT_TIME, WITH_TIME = b'{"metric":"t","value":1}', b'{"metric":"t","value":1,"ts":1719800000000}'


def origins(capacity=1000):
    return Origins(Sources([DEFAULT_SOURCE]), capacity=capacity)


def times_of(producer, device):
    return [int(dict(sent.headers)["received_at"]) for sent in producer.sent if sent.key == device.encode()]


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
        return times_of(self.producer, device)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-3, 5)), max_size=200),
    st.integers(1, 7),
)
def test_times_increase_strictly_for_each_device_even_for_forgotten_ones(messages, capacity):
    remembered, now_ms, last = origins(capacity), NOW_MS, {}
    for device, step_ms in messages:
        now_ms += step_ms
        received_at = remembered.find(f"fleet/{device}/telemetry", now_ms).received_at(now_ms, WITHOUT_TIME)
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
        received_at = remembered.find(f"fleet/{device}/telemetry", now_ms).received_at(now_ms, payload)
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
        assert remembered.find(f"fleet/{number}/telemetry", NOW_MS).received_at(NOW_MS, WITHOUT_TIME) == NOW_MS


def test_memory_for_topics_is_bounded_and_the_forgotten_are_not_ahead_after_a_step_back():
    remembered = origins(capacity=3)
    for number in range(100):
        remembered.find(f"fleet/{number}/telemetry", NOW_MS).received_at(NOW_MS, WITHOUT_TIME)
    assert len(remembered) == 3
    earlier_ms = NOW_MS - DAY_MS
    last = {}
    for turn in range(20):
        device = turn % 5
        received_at = remembered.find(f"fleet/{device}/telemetry", earlier_ms).received_at(earlier_ms, WITHOUT_TIME)
        assert last.get(device, 0) < received_at <= earlier_ms + MAX_LEAD_MS
        last[device] = received_at


def test_topics_that_no_source_reads_are_not_remembered():
    remembered = origins()
    assert remembered.find("fleet/a/status", NOW_MS) is None
    assert len(remembered) == 0


class ListenerStream:
    """The listener's intake, with the same calls as Stream: each device waits by itself."""

    def __init__(self):
        self.wall, self.producer = Clock(NOW_MS), Producer(stores=True)
        self.intake = RecordIntake(self.producer, Sources([DEFAULT_SOURCE]), 256 * 1024, self.wall)
        self.deliveries = []

    def take(self, payload=WITHOUT_TIME, device="pump", mid=1):
        origin = self.intake.origin(f"fleet/{device}/telemetry", None)
        self.deliveries.append(self.intake.store(origin, payload))

    def pass_time(self, ms):
        self.wall.now += ms
        self.intake.release()

    def times(self, device="pump"):
        return times_of(self.producer, device)


BOTH = pytest.mark.parametrize("entrance", [Stream, ListenerStream])
HOUR_MS = 60 * 60 * 1000


@BOTH
def test_2000_messages_a_second_of_one_device_share_no_time_and_all_are_stored_in_order(entrance):
    here, taken = entrance(), []
    for number in range(4000):
        if entrance is ListenerStream or here.bridge.has_room:
            taken.append(b'{"metric":"t","value":%d}' % number)
            here.take(taken[-1])
        if number % 2:
            here.pass_time(1)
    for _ in range(3000):
        here.pass_time(1)
        assert int(dict(here.producer.sent[-1].headers)["received_at"]) <= here.wall.now + MAX_LEAD_MS
    assert [sent.value for sent in here.producer.sent] == taken
    assert here.times() == sorted(set(here.times()))
    assert len(taken) == 4000 or entrance is Stream


def test_only_the_device_that_is_ahead_waits_at_the_listener():
    here = ListenerStream()
    for _ in range(MAX_LEAD_MS + 3):
        here.take()
    here.take(device="valve")
    here.take(WITH_TIME)
    assert (len(here.times()), len(here.times("valve")), here.intake.held) == (MAX_LEAD_MS + 1, 1, 3)
    assert [delivery.is_done for delivery in here.deliveries[-5:]] == [True, False, False, True, False]
    here.pass_time(2)
    assert len(here.times()) == MAX_LEAD_MS + 4
    assert all(delivery.is_done for delivery in here.deliveries)


def test_a_held_message_that_kafka_refuses_is_refused():
    here = ListenerStream()
    for _ in range(MAX_LEAD_MS + 2):
        here.take()
    held = here.deliveries[-1]
    assert (held.is_done, held.exception) == (False, None)
    here.pass_time(1)
    here.producer.refuse(-1, ValueError("too large"))
    assert (held.is_done, str(held.exception)) == (True, "too large")


@BOTH
def test_a_clock_that_is_set_forward_by_an_hour_and_back_gives_no_time_twice(entrance):
    here = entrance()
    for step_ms in (0, 1, HOUR_MS, 1, 0, 0, -HOUR_MS, 0, 1, 1):
        here.pass_time(step_ms)
        here.take()
        assert here.times()[-1] <= here.wall.now + MAX_LEAD_MS
    times = here.times()
    assert len(times) == len(set(times)) == 10


@BOTH
def test_after_a_step_back_by_an_hour_only_times_of_before_the_step_can_come_again(entrance):
    here = entrance()
    for _ in range(50):
        here.take()
        here.pass_time(1)
    here.pass_time(-HOUR_MS)
    for _ in range(50):
        here.take()
    before, after = here.times()[:50], here.times()[50:]
    assert (len(set(before)), len(set(after))) == (50, 50)
    assert after[0] == here.wall.now
    assert max(after) <= here.wall.now + MAX_LEAD_MS


def scalar(**fields):
    return Source(name="plant", topic="plant/{line}/{device}/{metric}", codec="scalar", **fields)


@pytest.mark.parametrize(
    ("sources", "topics", "shared"),
    [
        ([Source(name="all", topic="fleet/{device}/+")], ("fleet/pump/a", "fleet/pump/b"), True),
        ([scalar()], ("plant/4/pump/a", "plant/4/pump/b"), False),
        ([scalar()], ("plant/4/pump/a", "plant/5/pump/a"), True),
        ([scalar(metric="{line}.{metric}")], ("plant/4/pump/a", "plant/5/pump/a"), False),
        ([scalar(metric="'level'")], ("plant/4/pump/a", "plant/4/pump/b"), True),
        ([scalar(rename={"*": "level"})], ("plant/4/pump/a", "plant/4/pump/b"), True),
        ([scalar()], ("plant/4/pump/a", "plant/4/valve/a"), False),
    ],
)  # fmt: skip
def test_topics_share_a_clock_where_their_messages_can_be_one_reading(sources, topics, shared):
    remembered = Origins(Sources(sources))
    times = [remembered.find(topic, NOW_MS).received_at(NOW_MS, b"1") for topic in topics]
    assert times == [NOW_MS, NOW_MS + 1 if shared else NOW_MS]


def test_a_clock_is_kept_while_one_of_its_topics_is_remembered():
    remembered = Origins(Sources([Source(name="all", topic="fleet/{device}/+")]), capacity=2)
    for topic in ("fleet/pump/a", "fleet/pump/b", "fleet/valve/a"):  # the third takes the place of the first
        remembered.find(topic, NOW_MS).received_at(NOW_MS, WITHOUT_TIME)
    remembered.find("fleet/pump/b", NOW_MS).received_at(NOW_MS, WITHOUT_TIME)
    again = remembered.find("fleet/pump/c", NOW_MS)
    assert again.received_at(NOW_MS, WITHOUT_TIME) == NOW_MS + 3


LOGIN_SOURCE = Source(name="board", topic="v1/devices/me/telemetry", device="{login}", codec="json", values="@")


def test_a_source_that_takes_the_device_from_the_login_has_one_origin_for_each_login():
    remembered = Origins(Sources([LOGIN_SOURCE]))
    pump, valve = (remembered.find("v1/devices/me/telemetry", NOW_MS, login) for login in ("pump", "valve"))
    assert (pump.key, valve.key) == (b"pump", b"valve")
    assert pump.received_at(NOW_MS, b"1") == valve.received_at(NOW_MS, b"1") == NOW_MS


def test_without_a_login_a_source_that_needs_one_has_no_device():
    remembered = Origins(Sources([LOGIN_SOURCE]))
    assert remembered.find("v1/devices/me/telemetry", NOW_MS) is None
    assert "takes the device from the login" in remembered.why_none("v1/devices/me/telemetry")
