"""How long a store that is away is waited for."""

import itertools
import time

import pytest

from connectors.stores import MAX_PAUSE_S, StoreMisconfigured, StoreUnavailable, until_it_answers


class Clock:
    """Time that moves only while somebody sleeps."""

    def __init__(self, monkeypatch):
        self.now, self.pauses = 1000.0, []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def away(times, result="stored", retry_after_s=None):
    """Raises StoreUnavailable that many times, then gives the result."""
    left = itertools.count(times, -1)

    def attempt():
        if next(left) > 0:
            raise StoreUnavailable("nobody answers", retry_after_s)
        return result

    return attempt


def test_an_answer_comes_back_without_a_pause(clock):
    assert until_it_answers(away(0), 60, clock.sleep) == "stored"
    assert clock.pauses == []


def test_a_store_that_comes_back_gets_the_same_work_again(clock):
    assert until_it_answers(away(3), 60, clock.sleep) == "stored"
    assert len(clock.pauses) == 3


def test_pauses_grow_up_to_a_longest_one(clock):
    until_it_answers(away(12), 600, clock.sleep)
    assert clock.pauses[0] <= 0.2
    assert all(MAX_PAUSE_S / 2 <= pause <= MAX_PAUSE_S for pause in clock.pauses[6:])


def test_pauses_are_not_the_same_for_all_workers(clock):
    for _ in range(20):
        until_it_answers(away(1), 60, clock.sleep)
    assert len(set(clock.pauses)) > 10


def test_the_store_is_left_alone_for_as_long_as_it_asks(clock):
    until_it_answers(away(1, retry_after_s=17), 60, clock.sleep)
    assert clock.pauses == [17]


def test_patience_ends_with_the_store_s_own_words(clock):
    with pytest.raises(StoreUnavailable, match="nobody answers"):
        until_it_answers(away(10_000), 30, clock.sleep)
    assert sum(clock.pauses) == pytest.approx(30)


def test_a_request_to_be_left_alone_for_an_hour_does_not_stretch_the_patience(clock):
    with pytest.raises(StoreUnavailable):
        until_it_answers(away(10_000, retry_after_s=3600), 30, clock.sleep)
    assert clock.pauses == [30]


def test_without_patience_one_attempt_is_made(clock):
    with pytest.raises(StoreUnavailable):
        until_it_answers(away(1), 0, clock.sleep)


def test_a_misconfigured_store_is_not_tried_again(clock):
    def attempt():
        raise StoreMisconfigured("the token is not valid")

    with pytest.raises(StoreMisconfigured):
        until_it_answers(attempt, 60, clock.sleep)
    assert clock.pauses == []
