"""Messages of telemetry.raw against the items that left the cleaning."""

import pytest

from tests.unit.headrace.balance_topics import (
    DUPLICATES,
    IGNORED,
    LETTERS,
    RAW,
    READINGS,
    duplicate,
    ignored,
    letter,
    position,
    reading,
)


def missing(ledger):
    return list(ledger.messages.missing())


def doubled(ledger):
    return list(ledger.messages.doubled())


def test_a_message_is_closed_by_a_reading_a_duplicate_an_ignored_message_or_a_dead_letter(ledger, topics):
    topics.messages(4)
    topics.holds(READINGS, reading(position(0)))
    topics.holds(DUPLICATES, duplicate(position(1)))
    topics.holds(LETTERS, letter(position(2)))
    topics.holds(IGNORED, ignored(position(3)))
    assert (missing(ledger), doubled(ledger)) == ([], [])
    assert (ledger.totals.messages, ledger.totals.items) == (4, 4)


def test_messages_without_outcome_are_named_as_ranges(ledger, topics):
    topics.messages(10)
    topics.messages(2, partition=3)
    topics.holds(READINGS, reading(position(4)), reading(position(5)), reading(position(0, partition=3)))
    assert missing(ledger) == [(0, 0, 3), (0, 6, 9), (3, 1, 1)]


def test_a_message_of_several_items_is_open_until_the_last(ledger, topics):
    topics.messages(1)
    topics.holds(READINGS, reading(position(0, 0, 3)), reading(position(0, 2, 3)))
    assert missing(ledger) == [(0, 0, 0)]
    topics.holds(LETTERS, letter(position(0, 1, 3)))
    assert (missing(ledger), doubled(ledger)) == ([], [])


@pytest.mark.parametrize("items", [1, 2])
def test_an_item_that_comes_again_after_its_message_was_closed_is_doubled(ledger, topics, items):
    topics.messages(1)
    topics.holds(READINGS, *[reading(position(0, item, items)) for item in range(items)])
    assert doubled(ledger) == []
    topics.holds(DUPLICATES, duplicate(position(0, 0, items)))
    assert doubled(ledger) == [(0, 0, 0)]


def test_an_item_that_comes_again_before_its_siblings_is_doubled(ledger, topics):
    topics.messages(1)
    topics.holds(READINGS, reading(position(0, 0, 2)))
    topics.holds(READINGS, reading(position(0, 0, 2)), reading(position(0, 1, 2)))
    assert (missing(ledger), doubled(ledger)) == ([], [(0, 0, 0)])


def test_an_item_that_is_read_before_its_message_closes_it(ledger, topics):
    topics.holds(READINGS, reading(position(0)))
    topics.messages(1)
    assert (missing(ledger), doubled(ledger)) == ([], [])


def test_transaction_markers_have_no_items(ledger, topics):
    topics.holds(RAW, b"{}", before=2)
    topics.holds(READINGS, reading(position(2)))
    assert (missing(ledger), doubled(ledger)) == ([], [])


@pytest.mark.parametrize("items", [1, 2])
@pytest.mark.parametrize("first", [RAW, READINGS])
def test_an_item_of_no_message_is_one_too_many(ledger, topics, first, items):
    written = {
        RAW: lambda: topics.holds(RAW, b"{}", before=1),
        READINGS: lambda: topics.holds(READINGS, reading(position(0, 0, items))),
    }
    for topic in sorted(written, key=lambda topic: topic != first):
        written[topic]()
    assert doubled(ledger) == [(0, 0, 0)]


def test_a_dead_letter_of_another_stage_is_no_item(ledger, topics):
    topics.messages(1)
    topics.holds(LETTERS, letter(None, "mqtt_bridge", "no_device"), letter(position(0, topic=READINGS), "store_redis"))
    assert missing(ledger) == [(0, 0, 0)]
    assert ledger.totals.refused_elsewhere == {("mqtt_bridge", "no_device"): 1, ("store_redis", "bad_value"): 1}


def test_what_retention_took_is_excused_and_its_items_are_not_looked_at(ledger, topics):
    topics.messages(4)
    topics.holds(READINGS, reading(position(0)), reading(position(1, 0, 2)))
    assert ledger.messages.excuse(0, 3) == [(1, 2)]
    topics.holds(READINGS, reading(position(1, 1, 2)), reading(position(2)), reading(position(2)))
    assert (missing(ledger), doubled(ledger)) == ([(0, 3, 3)], [])


def test_a_record_that_is_none_of_ours_is_named_and_stands_for_nothing(ledger, topics):
    topics.messages(1)
    topics.holds(READINGS, b"garbage", b'{"device":null}', reading(position(0)), b"")
    assert ledger.unreadable() == {READINGS: [(0, 0, 0), (0, 1, 1), (0, 3, 3)]}
    assert (missing(ledger), doubled(ledger), ledger.totals.readings) == ([], [], 1)
