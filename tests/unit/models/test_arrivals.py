"""Which series are missing: by the clocks of their partitions, as rarely as asked for, and never because of a stop."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.alert_rate import missing_of_a_week
from bench.synthetic_arrivals import FAMILIES
from models.detectors import Batch, Scorer
from models.detectors.arrivals import Arrivals

BEGIN = 1_790_000_000_000
TICK_MS = 10_000
EACH_MS = 10_000
N = 400


def fleet(n_series=40, n_partitions=1):
    """Series that have sent every 10 s, in turn over the partitions."""
    arrivals = Arrivals(alerts_per_week=0.3)
    arrivals.grow(n_series)
    everybody = np.arange(n_series)
    for n in range(N):
        send(arrivals, everybody, n, n_partitions)
    return arrivals


def send(arrivals, rows, n, n_partitions=1):
    """One reading of each of `rows`, the n-th."""
    rows = np.asarray(rows)
    arrivals.follow(rows, rows % n_partitions, BEGIN + n * EACH_MS + np.arange(len(rows)))


def missing_after(arrivals, n_ticks, elapsed_ms=TICK_MS):
    """What each tick said; what it said is missing from then on."""
    told = []
    for _ in range(n_ticks):
        found = arrivals.tick(elapsed_ms)
        arrivals.tell(found.rows)
        told.append(found.rows.tolist())
    return told


def all_of(told):
    return list(chain.from_iterable(told))


def test_a_series_that_falls_silent_while_others_send_is_told_once():
    arrivals, told = fleet(), []
    for n in range(N, N + 300):
        send(arrivals, np.arange(1, 40), n)
        told += missing_after(arrivals, 1)
    assert all_of(told) == [0]
    assert told.index([0]) <= 5


def test_it_is_told_again_only_after_it_has_sent_again():
    arrivals, told = fleet(), []
    for n in range(N, N + 300):
        send(arrivals, np.arange(0 if n == N + 100 else 1, 40), n)
        told += missing_after(arrivals, 1)
    assert all_of(told) == [0, 0]
    assert [place for place, rows in enumerate(told) if rows][1] > 100


def test_a_single_series_is_told_by_ticks_alone_even_if_nothing_arrives():
    arrivals = fleet(n_series=1)
    told = missing_after(arrivals, 20)
    assert all_of(told) == [0]
    assert told.index([0]) == 4  # the first tick after four usual distances


def test_the_alert_bears_the_time_at_which_the_reading_was_overdue():
    arrivals, found = fleet(n_series=1), None
    for _ in range(20):
        found = arrivals.tick(TICK_MS)
        if len(found.rows):
            break
    last = BEGIN + (N - 1) * EACH_MS
    assert found.overdue_at[0] == pytest.approx(last + 4 * EACH_MS, rel=0, abs=1500)
    assert found.silent[0] == 5 * TICK_MS
    assert found.usual[0] == pytest.approx(EACH_MS)


def test_a_restart_begins_to_count_ticks_anew_and_remembers_who_is_missing():
    arrivals = fleet(n_series=3)
    missing_after(arrivals, 3)
    copy = Arrivals(alerts_per_week=0.3)
    copy.grow(3)
    copy.series.load(0, arrivals.series.page(0, 3))
    copy.load_clocks(arrivals.clocks())
    assert missing_after(copy, 6)[4] == [0, 1, 2]
    assert missing_after(copy, 100) == [[]] * 100


def test_most_of_a_partition_falling_silent_together_is_no_alert_of_each():
    arrivals = fleet(n_series=60)
    for n in range(N, N + 60):
        send(arrivals, np.arange(50, 60), n)
        found = arrivals.tick(TICK_MS)
        assert len(found.rows) == 0
    assert found.n_held_back == 50


def test_those_that_stay_silent_when_the_others_are_back_are_told():
    arrivals = fleet(n_series=60)
    for n in range(N, N + 20):
        send(arrivals, np.arange(50, 60), n)
        missing_after(arrivals, 1)
    told = []
    for n in range(N + 20, N + 40):
        send(arrivals, np.arange(7, 60), n)
        told += missing_after(arrivals, 1)
    assert sorted(all_of(told)) == list(range(7))


def test_a_partition_that_lags_behind_makes_none_of_its_series_missing():
    arrivals = fleet(n_series=40, n_partitions=2)
    even, odd = np.arange(0, 40, 2), np.arange(1, 40, 2)
    for n in range(N, N + 500):  # five thousand seconds ahead
        send(arrivals, even, n, 2)
    assert arrivals.tick(TICK_MS).rows.tolist() == []
    for n in range(N, N + 500):
        send(arrivals, odd, n, 2)
    assert arrivals.tick(TICK_MS).rows.tolist() == []


def test_a_series_of_any_partition_is_told_by_the_clock_of_its_own():
    arrivals, told = fleet(n_series=40, n_partitions=2), []
    for n in range(N, N + 20):
        send(arrivals, np.arange(2, 40), n, 2)
        told += missing_after(arrivals, 1, elapsed_ms=0)
    assert sorted(all_of(told)) == [0, 1]


def test_a_backlog_after_downtime_makes_none_missing_and_shortens_no_limit():
    arrivals = fleet(n_series=40)
    for n in range(N, N + 8640):  # a day, at once
        send(arrivals, np.arange(40), n)
    assert missing_after(arrivals, 2) == [[], []]
    assert sorted(all_of(missing_after(arrivals, 10))) == []  # all of them together
    arrivals = fleet(n_series=1)
    for n in range(N, N + 8640):
        send(arrivals, [0], n)
    assert missing_after(arrivals, 20).index([0]) == 4


@pytest.mark.parametrize("n_series", [3, 40])
def test_readings_that_were_lost_in_an_outage_make_none_missing_and_are_not_learned(n_series):
    arrivals = fleet(n_series)
    everybody = np.arange(n_series)
    for outage in (1, 2, 3):  # an hour each
        send(arrivals, everybody[:1], N + outage * 1000)
        assert arrivals.tick(0).rows.tolist() == []
        for n in range(1, 600):
            send(arrivals, everybody, N + outage * 1000 + n)
            assert arrivals.tick(TICK_MS).rows.tolist() == []
    told = []
    for n in range(600, 620):
        send(arrivals, everybody[1:], N + 3000 + n)
        told += missing_after(arrivals, 1)
    assert all_of(told) == [0]


def test_a_device_whose_clock_is_wrong_makes_no_other_missing_and_is_watched_like_them():
    arrivals = Arrivals(alerts_per_week=0.3)
    arrivals.grow(40)
    rows, wrong = np.arange(40), np.zeros(40, np.int64)
    wrong[0], wrong[1], wrong[2] = 300_000, -86_400_000, -10 * 365 * 86_400_000

    def send_wrong(rows, n):
        arrivals.follow(rows, np.zeros(len(rows), np.int64), BEGIN + n * EACH_MS + wrong[rows] + rows)

    for n in range(N):
        send_wrong(rows, n)
        assert arrivals.tick(TICK_MS).rows.tolist() == []
    told = []
    for n in range(N, N + 60):
        send_wrong(np.arange(3, 40), n)
        told += missing_after(arrivals, 1)
    assert sorted(all_of(told)) == [0, 1, 2]


def test_late_readings_end_the_silence_although_their_times_are_old():
    arrivals = fleet(n_series=2)
    for n in range(N, N + 30):
        send(arrivals, [1], n)
        missing_after(arrivals, 1)
    assert arrivals.series["is_missing"][:2].tolist() == [True, False]
    send(arrivals, [0], N + 2)
    assert not arrivals.series["is_missing"][0]
    assert arrivals.tick(TICK_MS).rows.tolist() == []


def test_a_series_of_few_readings_is_never_missing():
    arrivals = Arrivals(alerts_per_week=0.3)
    arrivals.grow(1)
    for n in range(25):
        send(arrivals, [0], n)
    assert all_of(missing_after(arrivals, 1000)) == []


def test_a_pause_of_each_night_is_usual_after_two_nights():
    arrivals = Arrivals(alerts_per_week=0.3)
    arrivals.grow(1)
    nights = []
    for day in range(10):
        for n in range(960):  # a reading a minute, for sixteen hours
            arrivals.follow(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([BEGIN + (day * 1440 + n) * 60_000]))
        told = all_of(missing_after(arrivals, 8 * 60, 60_000))
        nights.append(len(told))
    assert nights == [1, 1, *[0] * 8]


@pytest.mark.parametrize("rate", [0.1, 0.3])
@pytest.mark.parametrize("family", FAMILIES)
def test_series_without_failures_are_missing_no_more_often_than_asked_for(family, rate):
    per_week = missing_of_a_week(FAMILIES[family], weeks=3, n_series=15, period_s=300, rate=rate)
    most = {"Pareto(3)": 6.0}.get(family, 2.0)
    assert per_week <= most * rate


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=20))
def test_any_cuts_give_the_same_state(ends):
    random = np.random.default_rng(3)
    n = 900
    columns = (random.integers(0, 6, n), BEGIN + np.arange(n) * 977 + random.integers(-5000, 5000, n))
    whole, parts = Arrivals(0.3), Arrivals(0.3)
    for arrivals in (whole, parts):
        arrivals.grow(6)
    rows, times = columns
    whole.follow(rows, rows % 3, times)
    for start, end in zip([0, *sorted(ends)], [*sorted(ends), n], strict=True):
        parts.follow(rows[start:end], rows[start:end] % 3, times[start:end])
    for name, column in whole.series.page(0, 6).items():
        np.testing.assert_array_equal(column, parts.series.page(0, 6)[name])
    np.testing.assert_array_equal(whole.clocks()["clocks"], parts.clocks()["clocks"])


def batch(n, devices):
    keys = [(f"pump-{device}", "flow") for device in devices]
    offsets = 1000 * n + np.asarray(devices)
    zeros = np.zeros(len(keys), np.int64)
    return Batch(keys, np.full(len(keys), BEGIN + n * EACH_MS), np.sin(offsets), zeros, offsets, zeros)


def of_pumps(lifetime_s=None):
    scorer = Scorer("gaussian", lifetime_s=lifetime_s)
    for n in range(N):
        scorer.step(batch(n, range(5)))
    return scorer


def test_the_scorer_names_the_series_and_a_replay_leaves_the_very_bytes():
    scorer, replayed = of_pumps(), of_pumps()
    told = []
    for n in range(N, N + 20):
        scorer.step(batch(n, [0, 1, 3, 4]))
        replayed.learn(batch(n, [0, 1, 3, 4]))
        missing = scorer.tick(TICK_MS)
        if len(missing):
            replayed.learn_missing(missing.keys)
        told += missing.keys
    assert told == [("pump-2", "flow")]
    assert scorer.snapshot() == replayed.snapshot()
    restored = Scorer("gaussian")
    restored.restore(scorer.snapshot())
    assert len(restored.tick(TICK_MS)) == 0


def test_pages_hold_who_is_missing():
    scorer = of_pumps()
    pages = scorer.changed_pages()
    for n in range(N, N + 4):
        scorer.step(batch(n, [0, 1, 3, 4]))
    pages |= scorer.changed_pages()
    assert scorer.tick(TICK_MS).keys == [("pump-2", "flow")]
    pages |= scorer.changed_pages()
    restored = Scorer("gaussian")
    assert restored.restore_pages(pages.get) == []
    assert restored.snapshot() == scorer.snapshot()


@pytest.mark.parametrize("has_snapshots", [True, False])
def test_a_series_that_is_forgotten_before_it_is_overdue_is_not_missing(has_snapshots):
    scorer = of_pumps(lifetime_s=20)
    for n in range(N, N + 20):
        scorer.step(batch(n, [0, 1, 3, 4]))
        if has_snapshots:
            scorer.changed_pages()  # frees its row
        assert len(scorer.tick(TICK_MS)) == 0


def test_the_devices_of_a_scorer_are_those_that_are_not_forgotten():
    scorer = of_pumps(lifetime_s=20)
    assert scorer.devices() == {f"pump-{n}" for n in range(5)}
    for n in range(N, N + 20):
        scorer.step(batch(n, [0, 1]))
    scorer.changed_pages()
    assert scorer.devices() == {"pump-0", "pump-1"}
