"""Readings against windows and late readings."""

from tests.unit.headrace.balance_topics import LATE, READINGS, WINDOWS, late, position, reading, window

AT_10_S = [reading(position(offset), time=10_000 + offset) for offset in range(3)]


def differences(ledger, closed_until_ms=10**15):
    found, still_open = ledger.windows.differences(lambda window: window.end_ms <= closed_until_ms)
    return [str(each) for each in found], still_open


def test_readings_are_in_windows_of_each_length_or_late(ledger, topics):
    topics.holds(READINGS, *AT_10_S)
    topics.holds(LATE, late(AT_10_S[2]))
    topics.holds(WINDOWS, window("10s", 10_000, 2), window("1m", 0, 2))
    assert differences(ledger) == ([], 0)
    assert (ledger.totals.late, ledger.totals.windowed) == (1, {"10s": 2, "1m": 2})


def test_readings_in_no_window_are_named_by_where_they_stand(ledger, topics):
    topics.holds(READINGS, *AT_10_S, before=5)
    topics.holds(WINDOWS, window("1m", 0, 3), window("10s", 10_000, 2))
    what = "readings in no 10s window and not late, the first of pump/flow at 1970-01-01T00:00:10Z"
    assert differences(ledger) == ([f"telemetry.readings[0] 5..7: {what}"], 0)


def test_readings_that_are_in_a_window_twice_are_a_difference(ledger, topics):
    topics.holds(READINGS, *AT_10_S)
    topics.holds(WINDOWS, window("10s", 10_000, 3), window("10s", 10_000, 3), window("1m", 0, 3))
    assert differences(ledger) == (
        ["10s windows and late readings have 3 too many, the first of pump/flow at 1970-01-01T00:00:10Z"],
        0,
    )


def test_a_window_that_has_not_closed_is_waited_for(ledger, topics):
    topics.holds(READINGS, *AT_10_S)
    found, still_open = differences(ledger, closed_until_ms=20_000)
    assert len(found) == 1
    assert still_open == 1


def test_a_corrected_window_counts_no_reading_again(ledger, topics):
    topics.holds(READINGS, *AT_10_S)
    topics.holds(LATE, late(AT_10_S[2]))
    topics.holds(WINDOWS, window("10s", 10_000, 2), window("1m", 0, 2), window("10s", 10_000, 3, corrected=True))
    assert differences(ledger) == ([], 0)


def test_windows_before_what_can_be_judged_are_forgotten(ledger, topics):
    topics.holds(READINGS, *AT_10_S)
    ledger.windows.sweep(judged_from_ms=10_001)
    assert differences(ledger) == ([], 0)
