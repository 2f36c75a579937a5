"""The clocks of an entrance's host and of Kafka's, moved by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.entrance_clock import AGREED_WITHIN_MS, MAX_DIFFERENCE_MS, EntranceClock
from connectors.time_of_receipt import MAX_LEAD_MS
from tests.unit.connectors.in_memory import Clock

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
ALLOWED_AHEAD_MS = 5 * 60 * 1000
"""Of an event time before Kafka's append time, by the contract."""


class Hosts:
    """Wall clock of the entrance and of Kafka, and the time that passes for both."""

    def __init__(self):
        self.wall, self.boot, self.kafka = Clock(), Clock(5_000), Clock()
        self.clock = EntranceClock(self.wall, self.boot)

    def pass_time(self, ms):
        for each in (self.wall, self.boot, self.kafka):
            each.now += ms

    def send(self, latency_ms=25):
        """The time that a message got, by how much it is ahead of its append time."""
        sent = self.clock.sent()
        self.pass_time(latency_ms)
        append_ms = self.kafka.now
        self.pass_time(5)
        self.clock.appended(sent, append_ms)
        return sent.ms - append_ms


def test_the_wall_clock_counts_while_it_agrees_with_kafkas():
    here = Hosts()
    for _ in range(10):
        here.send()
        assert here.clock() == here.wall.now


@pytest.mark.parametrize("step_ms", [1, 1000, -1000, 30_000, -30_000])
def test_small_steps_are_followed_at_once(step_ms):
    here = Hosts()
    here.send()
    here.wall.now += step_ms
    assert here.clock() == here.wall.now


def test_a_step_forward_that_kafkas_clock_does_not_make_is_not_followed():
    here = Hosts()
    here.wall.now += HOUR_MS
    assert here.clock() == here.kafka.now
    for _ in range(20):
        assert here.send() <= 0
    here.wall.now -= HOUR_MS
    assert here.clock() == here.kafka.now
    here.send()
    assert here.clock.correction_ms == 0


def test_a_step_forward_of_both_hosts_is_followed_after_the_first_append_time():
    here = Hosts()
    here.wall.now += DAY_MS
    here.kafka.now += DAY_MS
    here.send()
    assert here.clock() == here.wall.now


def test_a_step_back_of_both_hosts_is_followed_at_once():
    here = Hosts()
    here.wall.now -= HOUR_MS
    here.kafka.now -= HOUR_MS
    assert here.send() <= 0
    assert here.clock() == here.wall.now


def test_a_step_back_that_kafkas_clock_does_not_make_is_taken_back():
    here = Hosts()
    here.wall.now -= HOUR_MS
    assert here.clock() == here.wall.now
    here.send()
    assert abs(here.clock() - here.kafka.now) <= 100


def test_a_host_whose_clock_was_wrong_from_the_start_follows_kafkas():
    here = Hosts()
    here.wall.now += HOUR_MS
    here.clock = EntranceClock(here.wall, here.boot)
    assert here.send() > ALLOWED_AHEAD_MS
    assert here.send() <= 1000


def test_kafkas_clock_is_not_followed_ahead_where_it_was_set_and_ours_was_not():
    here = Hosts()
    here.send()
    here.kafka.now += HOUR_MS
    for _ in range(20):
        here.send()
        assert here.clock() == here.wall.now
    here.kafka.now += HOUR_MS
    here.send()
    assert here.clock() == here.wall.now
    here.kafka.now -= 2 * HOUR_MS
    here.send()
    assert here.clock() == here.wall.now


def test_kafkas_clock_is_followed_back_since_what_is_ahead_of_it_would_be_refused():
    here = Hosts()
    here.send()
    here.kafka.now -= HOUR_MS
    here.send()
    assert here.send() <= 0


def test_a_clock_that_was_set_back_follows_kafkas_though_the_two_agreed_before():
    here = Hosts()
    here.send()
    here.kafka.now += HOUR_MS
    here.send()
    here.wall.now += HOUR_MS
    here.send()
    assert here.clock() == here.wall.now == here.kafka.now
    here.wall.now -= HOUR_MS
    here.clock()
    here.send()
    assert abs(here.clock() - here.kafka.now) <= 100


def test_a_clock_that_drifts_behind_kafkas_follows_it():
    here = Hosts()
    for _ in range(30):
        here.send()
        here.pass_time(HOUR_MS)
        here.kafka.now += 5_000
    assert abs(here.clock() - here.kafka.now) <= MAX_DIFFERENCE_MS


def test_a_clock_that_agreed_with_kafkas_long_ago_follows_it():
    here = Hosts()
    here.send()
    here.pass_time(AGREED_WITHIN_MS + 1)
    here.kafka.now += HOUR_MS
    here.send()
    assert abs(here.clock() - here.kafka.now) <= 100


def test_minutes_without_kafka_are_no_difference_of_clocks():
    here = Hosts()
    here.send(latency_ms=20 * 60 * 1000)
    assert here.clock() == here.wall.now


def test_an_append_time_of_before_a_step_says_nothing_about_it():
    here = Hosts()
    sent, append_ms = here.clock.sent(), here.kafka.now
    here.wall.now -= HOUR_MS
    here.clock()
    here.clock.appended(sent, append_ms)
    assert here.clock() == here.wall.now


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, 90_000, -90_000, 59_000]),
            st.sampled_from([0, 0, 0, HOUR_MS, -HOUR_MS, 90_000]),
            st.integers(0, 3000),
        ),
        max_size=60,
    )
)
def test_whatever_the_clocks_do_the_second_message_after_a_step_is_never_from_the_future(steps):
    here = Hosts()
    for wall_ms, kafka_ms, latency_ms in steps:
        here.wall.now += wall_ms
        here.kafka.now += kafka_ms
        here.clock()
        here.send(latency_ms)
        ahead_ms = here.send(latency_ms)
        assert ahead_ms + MAX_LEAD_MS <= MAX_DIFFERENCE_MS + 5000 < ALLOWED_AHEAD_MS
