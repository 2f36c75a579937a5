"""How long an unavailable store is waited for, and what is tried again."""

import itertools
import threading

import pytest

from connectors.kafka.clients import KafkaClientError, KafkaUnavailable, MissingTopics
from connectors.retries import MAX_PAUSE_S, Retries, until_stopped
from connectors.stores import StoreMisconfigured, StoreUnavailable


class Clock:
    """Time that moves only while somebody sleeps."""

    def __init__(self):
        self.now, self.pauses = 1000.0, []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def retries(self, patience_s):
        return Retries(patience_s, self.sleep, lambda: self.now)


@pytest.fixture
def clock():
    return Clock()


def away(times, result="stored", retry_after_s=None):
    """Raises StoreUnavailable that many times, then gives the result."""
    left = itertools.count(times, -1)

    def attempt():
        if next(left) > 0:
            raise StoreUnavailable("nobody answers", retry_after_s)
        return result

    return attempt


def test_an_answer_comes_back_without_a_pause(clock):
    assert clock.retries(60).call(away(0)) == "stored"
    assert clock.pauses == []


def test_a_store_that_comes_back_gets_the_same_work_again(clock):
    assert clock.retries(60).call(away(3)) == "stored"
    assert len(clock.pauses) == 3


def test_pauses_grow_up_to_a_longest_one(clock):
    clock.retries(600).call(away(12))
    assert clock.pauses[0] <= 0.2
    assert all(MAX_PAUSE_S / 2 <= pause <= MAX_PAUSE_S for pause in clock.pauses[6:])


def test_pauses_are_not_the_same_for_all_workers(clock):
    for _ in range(20):
        clock.retries(60).call(away(1))
    assert len(set(clock.pauses)) > 10


def test_the_store_is_left_alone_for_as_long_as_it_asks(clock):
    clock.retries(60).call(away(1, retry_after_s=17))
    assert clock.pauses == [17]


def test_patience_ends_with_the_store_s_own_words(clock):
    with pytest.raises(StoreUnavailable, match="nobody answers"):
        clock.retries(30).call(away(10_000))
    assert sum(clock.pauses) == pytest.approx(30)


def test_a_request_to_be_left_alone_for_an_hour_does_not_stretch_the_patience(clock):
    with pytest.raises(StoreUnavailable):
        clock.retries(30).call(away(10_000, retry_after_s=3600))
    assert clock.pauses == [30]


def test_without_patience_one_attempt_is_made(clock):
    with pytest.raises(StoreUnavailable):
        clock.retries(0).call(away(1))


def test_a_misconfigured_store_is_not_tried_again(clock):
    def attempt():
        raise StoreMisconfigured("the token is not valid")

    with pytest.raises(StoreMisconfigured):
        clock.retries(60).call(attempt)
    assert clock.pauses == []


def test_a_fault_of_ours_is_not_tried_again(clock):
    def attempt():
        raise KeyError("no such row")

    with pytest.raises(KeyError):
        clock.retries(60).call(attempt)
    assert clock.pauses == []


def test_a_background_thread_tries_until_it_succeeds_and_reports_each_error():
    errors = []
    assert until_stopped(away(3), threading.Event(), 0.001, errors.append) == "stored"
    assert [str(error) for error in errors] == ["nobody answers"] * 3


def test_a_background_thread_ends_in_the_middle_of_a_pause_once_it_is_stopped():
    stopped = threading.Event()
    assert until_stopped(away(10_000), stopped, 3600.0, lambda _: stopped.set()) is None


def test_a_background_thread_that_is_stopped_makes_no_attempt():
    stopped, attempts = threading.Event(), []
    stopped.set()
    assert until_stopped(lambda: attempts.append(1), stopped, 0.001, print) is None
    assert attempts == []


def test_a_background_thread_raises_a_terminal_error_at_once():
    def attempt():
        raise MissingTopics("no topic")

    with pytest.raises(MissingTopics):
        until_stopped(attempt, threading.Event(), 3600.0, print)


def test_a_background_thread_may_wait_for_a_person_to_correct_a_terminal_error():
    outcomes = iter([MissingTopics("no topic"), KafkaUnavailable("no broker"), None])

    def attempt():
        if (error := next(outcomes)) is not None:
            raise error
        return "connected"

    errors = []
    assert until_stopped(attempt, threading.Event(), 0.001, errors.append, KafkaClientError) == "connected"
    assert [type(error) for error in errors] == [MissingTopics, KafkaUnavailable]
