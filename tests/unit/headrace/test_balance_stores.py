"""Readings against what InfluxDB and Redis hold."""

import pytest

from headrace.reconciliation import influxdb_check as points_module
from headrace.reconciliation.influxdb_check import GAP_MS
from headrace.reconciliation.redis_check import DEVICE_LIFETIME_MS
from tests.unit.headrace.balance_topics import (
    APPENDED_MS,
    LETTERS,
    READINGS,
    InMemoryPoints,
    InMemoryStates,
    letter,
    position,
    reading,
)


@pytest.fixture
def influxdb():
    return InMemoryPoints()


@pytest.fixture
def redis():
    return InMemoryStates()


def compare(ledger, influxdb, past=10**9, judged_from_ms=0):
    """A check of InfluxDB when store_influxdb has read up to `past`: differences, and what else was found."""
    found = ledger.points.check(
        influxdb,
        lambda _, offset: offset < past,
        compare_from_ms=ledger.compare_from_ms,
        judged_from_ms=judged_from_ms,
    )
    ledger.compare_from_ms = found.compare_from_ms
    return [str(each) for each in ledger.points.differences()], found


def compare_states(ledger, redis, past=10**9, now_ms=APPENDED_MS, judged_from_ms=0):
    return ledger.states.check(redis, lambda _, offset: offset < past, now_ms=now_ms, judged_from_ms=judged_from_ms)


def series_of(count, first=0, step=1):
    return [reading(position(first + number), time=1000 + number * step) for number in range(count)]


def test_identities_that_influxdb_holds_are_closed(ledger, topics, influxdb):
    topics.holds(READINGS, *series_of(5))
    influxdb.store(*series_of(5))
    assert compare(ledger, influxdb)[0] == []
    assert ledger.points.open() == 0


def test_readings_that_influxdb_does_not_hold_are_named_by_where_they_stand(ledger, topics, influxdb):
    readings = series_of(5)
    topics.holds(READINGS, *readings, before=10)
    influxdb.store(readings[0], readings[4])
    assert compare(ledger, influxdb)[0] == ["telemetry.readings[0] 11..13: not in InfluxDB"]
    influxdb.store(*readings)
    assert compare(ledger, influxdb)[0] == []


def test_another_value_in_influxdb_is_a_difference(ledger, topics, influxdb):
    topics.holds(READINGS, reading(position(0), value=1.0))
    influxdb.store(reading(position(0), value=1.5))
    assert compare(ledger, influxdb)[0] == ["telemetry.readings[0] 0: another value in InfluxDB"]


def test_the_last_value_of_an_identity_counts_before_any_was_seen(ledger, topics, influxdb):
    topics.holds(READINGS, reading(position(0), value=1.0), reading(position(1), value=2.0))
    influxdb.store(reading(position(1), value=2.0))
    assert compare(ledger, influxdb)[0] == []


def test_the_last_value_of_an_identity_counts_in_influxdb(ledger, topics, influxdb):
    first, second = reading(position(0), value=1.0), reading(position(1), value=2.0)
    topics.holds(READINGS, first)
    influxdb.store(first)
    assert compare(ledger, influxdb)[0] == []
    topics.holds(READINGS, second)
    assert compare(ledger, influxdb)[0] == ["telemetry.readings[0] 1: another value in InfluxDB"]
    influxdb.store(second)
    assert compare(ledger, influxdb)[0] == []


def test_what_the_store_has_not_read_yet_is_waited_for(ledger, topics, influxdb):
    topics.holds(READINGS, *series_of(4))
    differences, found = compare(ledger, influxdb, past=3)
    assert differences == ["telemetry.readings[0] 0..2: not in InfluxDB"]
    assert found.waiting == 1


def test_a_reading_that_influxdb_refused_is_accounted_for_by_its_letter(ledger, topics, influxdb):
    topics.holds(READINGS, *series_of(3))
    influxdb.store(*series_of(2))
    topics.holds(LETTERS, letter(position(2, topic=READINGS), "store_influxdb", "refused_by_influxdb"))
    assert compare(ledger, influxdb)[0] == []
    influxdb.store(*series_of(3))  # mended later
    assert compare(ledger, influxdb)[1].unknown == []


def test_a_letter_that_is_read_before_its_reading_is_remembered(ledger, topics, influxdb):
    topics.holds(LETTERS, letter(position(1, topic=READINGS), "store_influxdb", "refused_by_influxdb"))
    topics.holds(READINGS, reading(position(0)))
    influxdb.store(reading(position(0)))
    compare(ledger, influxdb)
    ledger.points.forget_refusals_before([(0, 1)])
    topics.holds(READINGS, reading(position(1), time=2000))
    assert compare(ledger, influxdb)[0] == []


def test_a_point_that_no_reading_made_is_found_again_each_time_until_it_is_gone(ledger, topics, influxdb):
    surplus = reading(position(9), time=1500)
    influxdb.store(reading(position(0)), surplus)
    topics.holds(READINGS, reading(position(0)))
    for number in range(1, 4):
        assert [point.time for point in compare(ledger, influxdb)[1].unknown] == [1500]
        topics.holds(READINGS, reading(position(number), time=2000 + number * 10 * GAP_MS))
        influxdb.store(reading(position(number), time=2000 + number * 10 * GAP_MS))
    influxdb.held.pop(("pump", "flow", 1500))
    assert compare(ledger, influxdb)[1].unknown == []
    assert ledger.points.open() == 0


def test_a_point_of_a_device_that_never_sent_is_unknown(ledger, topics, influxdb):
    influxdb.store(reading(position(0), device="ghost"))
    assert compare(ledger, influxdb)[1].unknown_count == 1


def test_a_store_that_is_ahead_of_the_topics_is_no_difference_once_they_have_caught_up(ledger, topics, influxdb):
    influxdb.store(*series_of(4))
    topics.holds(READINGS, series_of(4)[0], series_of(4)[3])
    assert compare(ledger, influxdb)[1].unknown_count == 2
    topics.holds(READINGS, *series_of(4)[1:3])
    differences, found = compare(ledger, influxdb)
    assert (differences, found.unknown_count, ledger.points.open()) == ([], 0, 0)


def test_a_late_reading_does_not_ask_for_all_points_since(ledger, topics, influxdb):
    now = [reading(position(number), time=10**12 + number) for number in range(3)]
    topics.holds(READINGS, *now)
    influxdb.store(*now)
    compare(ledger, influxdb)
    late, newer = reading(position(3), time=5 * GAP_MS), reading(position(4), time=10**12 + 10)
    topics.holds(READINGS, late, newer)
    influxdb.store(late, newer)
    influxdb.asked.clear()
    assert compare(ledger, influxdb)[0] == []
    assert influxdb.asked[0] == (5 * GAP_MS, 5 * GAP_MS + 1)
    assert [start for start, _ in influxdb.asked[1:]] == [10**12 + 2, 10**12 + 11]


def test_points_that_influxdb_no_longer_keeps_are_not_missed(ledger, topics, influxdb):
    topics.holds(READINGS, reading(position(0), time=1000), reading(position(1), time=9000))
    influxdb.store(reading(position(1), time=9000))
    influxdb.since_ms = 5000
    assert compare(ledger, influxdb)[0] == []
    assert ledger.points.open() == 0


def test_points_of_readings_that_left_kafka_are_not_unknown(ledger, topics, influxdb):
    influxdb.store(reading(position(0), time=1000), reading(position(1), time=9000))
    topics.holds(READINGS, reading(position(1), time=9000))
    assert compare(ledger, influxdb, judged_from_ms=5000)[1].unknown == []


def test_the_answer_does_not_depend_on_the_size_of_a_slice(ledger, topics, influxdb, monkeypatch):
    monkeypatch.setattr(points_module, "SLICE", 2)
    readings = [
        reading(position(number), device=f"pump-{number % 4}", time=1000 + number // 4 * 3 * GAP_MS)
        for number in range(12)
    ]
    topics.holds(READINGS, *readings)
    influxdb.store(*readings[:7], *readings[8:])
    assert compare(ledger, influxdb)[0] == ["telemetry.readings[0] 7: not in InfluxDB"]
    assert ledger.points.open() == 1


def test_the_newest_reading_by_event_time_is_what_redis_holds(ledger, topics, redis):
    topics.holds(READINGS, reading(position(0), time=2000, value=2.0), reading(position(1), time=1000, value=1.0))
    redis.store("pump", "flow", 2000, 2.0)
    found = compare_states(ledger, redis)
    assert (found.differences, found.ahead, ledger.states.open()) == ([], [], 0)


def test_a_state_is_looked_up_again_only_after_a_newer_reading(ledger, topics, redis):
    topics.holds(READINGS, reading(position(0), time=2000))
    redis.store("pump", "flow", 2000, 1.0)
    compare_states(ledger, redis)
    redis.asked.clear()
    topics.holds(READINGS, reading(position(1), time=1000), reading(position(2), device="valve", time=1000))
    compare_states(ledger, redis)
    assert redis.asked == [("valve", "flow")]


@pytest.mark.parametrize("held", [None, (1000, 1.0), (2000, 9.0), "garbage"])
def test_redis_without_the_newest_reading_is_a_difference_once_the_store_is_past_it(ledger, topics, redis, held):
    topics.holds(READINGS, reading(position(0), time=2000))
    if isinstance(held, tuple):
        redis.store("pump", "flow", *held)
    elif held:
        redis.held["pump", "flow"] = held
    assert compare_states(ledger, redis, past=0).waiting == 1
    assert [str(each) for each in compare_states(ledger, redis).differences] == [
        "telemetry.readings[0] 0: the newest reading of its series, and not what Redis holds"
    ]


def test_the_later_of_two_readings_of_one_time_is_what_redis_holds(ledger, topics, redis):
    topics.holds(READINGS, reading(position(0), value=1.0), reading(position(1), value=2.0))
    redis.store("pump", "flow", 1000, 2.0)
    assert compare_states(ledger, redis).differences == []


def test_a_state_that_is_newer_than_any_reading_is_found(ledger, topics, redis):
    topics.holds(READINGS, reading(position(0), time=1000))
    redis.store("pump", "flow", 2000, 1.0)
    assert len(compare_states(ledger, redis).ahead) == 1
    assert compare_states(ledger, redis, judged_from_ms=3000).ahead == []


def test_a_device_that_left_redis_after_its_lifetime_is_no_difference(ledger, topics, redis):
    topics.holds(READINGS, reading(position(0)))
    assert len(compare_states(ledger, redis, now_ms=APPENDED_MS + DEVICE_LIFETIME_MS - 1).behind) == 1
    assert compare_states(ledger, redis, now_ms=APPENDED_MS + DEVICE_LIFETIME_MS).behind == []


def test_a_reading_that_redis_refused_is_accounted_for_by_its_letter(ledger, topics, redis):
    topics.holds(READINGS, reading(position(0)))
    topics.holds(LETTERS, letter(position(0, topic=READINGS), "store_redis", "refused_by_redis"))
    assert compare_states(ledger, redis).differences == []
