"""What retention took before a balance read it."""

from headrace.reconciliation import retention
from schemas.limits import MAX_CLOCK_SKEW_MS
from tests.unit.headrace.balance_topics import APPENDED_MS, DUPLICATES, RAW, READINGS, position, reading


class InMemoryLog:
    """Says which raw offsets were appended at a time or later."""

    def __init__(self, **offsets):
        self.offsets = offsets
        self.asked_ms = []

    def offsets_at(self, partitions, time_ms):
        self.asked_ms.append(time_ms)
        return {(topic, number): self.offsets.get(f"partition_{number}") for topic, number in partitions}


def lose(ledger, first_offsets):
    lost = retention.gaps(first_offsets, ledger)
    retention.skip(lost, ledger)
    return lost


def test_messages_that_left_before_a_balance_are_a_gap_and_no_difference(ledger, topics):
    topics.messages(10)
    topics.holds(READINGS, *[reading(position(offset)) for offset in range(8)])
    lose(ledger, {(RAW, 0): 20})
    topics.messages(1)
    assert ledger.gaps() == {RAW: [(0, 10, 19)]}
    assert list(ledger.messages.missing()) == [(0, 20, 20)]


def test_a_topic_that_began_long_ago_starts_with_a_gap(ledger, topics):
    lose(ledger, {(RAW, 0): 500, (READINGS, 0): 0})
    topics.holds(READINGS, reading(position(499)), reading(position(500)))
    topics.messages(2)
    assert ledger.gaps() == {RAW: [(0, 0, 499)]}
    assert list(ledger.messages.missing()) == [(0, 501, 501)]
    assert list(ledger.messages.doubled()) == []


def test_nothing_is_a_gap_that_was_read_before_it_left(ledger, topics):
    topics.messages(10)
    assert retention.gaps({(RAW, 0): 10}, ledger) == {}


def test_messages_whose_outcome_left_are_not_judged(ledger, topics):
    """What became of messages 0 to 5 may have stood among the readings that are gone."""
    topics.messages(10)
    lost = lose(ledger, {(READINGS, 0): 7})
    log = InMemoryLog(partition_0=6)
    retention.excuse(lost, {(READINGS, 0): APPENDED_MS}, log, ledger)
    assert log.asked_ms == [APPENDED_MS]
    assert ledger.gaps() == {READINGS: [(0, 0, 6)], RAW: [(0, 0, 5)]}
    assert list(ledger.messages.missing()) == [(0, 6, 9)]


def test_with_every_outcome_gone_no_message_can_be_judged(ledger, topics):
    topics.messages(10)
    lost = lose(ledger, {(DUPLICATES, 0): 7})
    retention.excuse(lost, {}, InMemoryLog(), ledger)
    assert list(ledger.messages.missing()) == []


def test_windows_and_points_of_readings_that_left_are_not_judged(ledger):
    lost = lose(ledger, {(READINGS, 0): 7})
    retention.excuse(lost, {(READINGS, 0): APPENDED_MS}, InMemoryLog(), ledger)
    assert ledger.judged_from_ms == APPENDED_MS + MAX_CLOCK_SKEW_MS


def test_without_a_gap_everything_is_judged(ledger):
    retention.excuse({}, {(READINGS, 0): APPENDED_MS}, InMemoryLog(), ledger)
    assert ledger.judged_from_ms == 0
