"""Groups of alerts of a device, and its budget."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detectors import NO_EPISODE, Batch, Scorer, UnreadableState
from models.detectors.device_budget import GROUP_GAP_MS, LONGEST_GROUP_MS, WEEK_MS, DeviceBudget
from tests.unit.models.series_batches import cut, random_ends

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

alerts = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 3 * WEEK_MS)), max_size=60)


def groups(budget, times, device="pump-1"):
    return [budget.alert(device, time)[0] for time in times]


def within(budget, times, device="pump-1"):
    return [not budget.alert(device, time)[1] for time in times]


def test_alerts_of_a_device_within_five_minutes_are_one_group():
    times = [0, GROUP_GAP_MS, 2 * GROUP_GAP_MS, 3 * GROUP_GAP_MS + 1]
    assert groups(DeviceBudget(), times) == [0, 0, 0, 3 * GROUP_GAP_MS + 1]


def test_devices_have_groups_of_their_own():
    budget = DeviceBudget()
    assert [budget.alert(device, time)[0] for device, time in (("a", 0), ("b", 1000), ("a", 2000))] == [0, 1000, 0]


def test_a_group_ends_an_hour_after_its_first_alert_even_if_alerts_never_cease():
    times = range(0, 3 * HOUR_MS, MINUTE_MS)
    found = groups(DeviceBudget(), times)
    assert len(set(found)) == 3
    assert all(time - group <= LONGEST_GROUP_MS for time, group in zip(times, found, strict=True))


def test_a_group_takes_its_budget_once_however_many_alerts_it_has():
    budget = DeviceBudget(groups_per_week=2)
    times = [0, MINUTE_MS, 2 * MINUTE_MS, HOUR_MS, HOUR_MS + MINUTE_MS, 2 * HOUR_MS, 2 * HOUR_MS + MINUTE_MS]
    assert within(budget, times) == [True] * 5 + [False] * 2


def test_a_device_that_never_rests_has_its_budget_each_week():
    budget = DeviceBudget(groups_per_week=10)
    said = within(budget, range(0, 10 * WEEK_MS, 2 * HOUR_MS))
    assert 100 <= sum(said) <= 110
    assert all(said[:10])


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_a_budget_below_one_a_week_allows_one_and_then_waits(rate):
    budget = DeviceBudget(groups_per_week=rate)
    assert within(budget, [0, HOUR_MS, WEEK_MS // 2, 11 * WEEK_MS]) == [True, False, False, True]


def test_without_a_budget_nothing_is_over_it():
    assert all(within(DeviceBudget(), range(0, WEEK_MS, HOUR_MS)))


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan])
def test_a_budget_that_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="above 0"):
        DeviceBudget(rate)


def test_devices_that_had_no_alert_for_long_make_room():
    budget = DeviceBudget(groups_per_week=1, max_devices=100)
    for number in range(10_000):
        budget.alert(f"device-{number}", number)
    assert len(budget) == 100
    assert within(budget, [HOUR_MS], "device-9999") == [False]
    assert within(budget, [HOUR_MS], "device-0") == [True]


@given(alerts, alerts)
def test_a_budget_goes_on_from_its_columns(before, after):
    budget, restored = DeviceBudget(2), DeviceBudget(2)
    for alert in before:
        budget.alert(*alert)
    restored.load(budget.columns())
    assert [restored.alert(*alert) for alert in after] == [budget.alert(*alert) for alert in after]
    assert all(np.array_equal(restored.columns()[name], column) for name, column in budget.columns().items())


def test_columns_of_different_lengths_are_unreadable():
    budget = DeviceBudget(2)
    budget.alert("a", 0)
    with pytest.raises(UnreadableState, match="do not fit"):
        budget.load(budget.columns() | {"times": np.empty(0, np.int64)})


def faulty_device(n=1200, n_metrics=4):
    """All metrics of a device, one of which is noise alone, have a fault at reading 1000."""
    rng = np.random.default_rng(8)
    values = rng.normal(20, 2, (n, n_metrics))
    values[1000:1010, 1:] += 90
    keys = [("press-1", f"metric-{number}") for number in range(n_metrics)] * n
    times = np.repeat(np.arange(n) * 60_000, n_metrics)
    zeros = np.zeros(n * n_metrics)
    return Batch(keys, times, values.ravel(), zeros, np.arange(n * n_metrics), zeros)


def alerts_of(scorer, batches):
    found = []
    for batch in batches:
        said = scorer.step(batch)
        for place in np.flatnonzero(said.groups != NO_EPISODE).tolist():
            where = said.index[place]
            found.append(
                (batch.keys[where], int(said.episodes[place]), int(said.groups[place]), said.over_budget[place])
            )
    return found


def test_metrics_of_a_device_that_fail_together_are_one_group():
    found = alerts_of(Scorer("novelty"), [faulty_device()])
    of_the_fault = [each for each in found if 1000 * 60_000 <= each[1] < 1010 * 60_000]
    assert len({key for key, *_ in of_the_fault}) == 3
    assert len({group for _, _, group, _ in of_the_fault}) == 1


def test_any_cuts_give_the_same_groups_and_the_same_budget():
    batch = faulty_device()
    scorers = [Scorer("novelty", alerts_per_week=100, device_groups_per_week=1) for _ in range(2)]
    whole, parts = alerts_of(scorers[0], [batch]), alerts_of(scorers[1], cut(batch, random_ends(len(batch), 40)))
    assert whole == parts
    assert {over for *_, over in whole} == {False, True}
