"""The guard admits each position of a series once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.detectors import Scorer
from models.detectors.position_guard import PositionGuard
from tests.unit.models.series_batches import cut, part, readings, said_of_all


def admitted(guard, *positions):
    """Places admitted of (row, partition, offset, item)."""
    columns = np.array(positions, np.int64).reshape(-1, 4).T
    guard.grow(int(columns[0].max(initial=-1)) + 1)
    return guard.admit(*columns).tolist()


def test_a_position_is_admitted_once():
    guard = PositionGuard()
    assert admitted(guard, (0, 0, 7, 0)) == [0]
    assert admitted(guard, (0, 0, 7, 0), (0, 0, 7, 1)) == [1]
    assert admitted(guard, (0, 0, 7, 1), (0, 0, 7, 0)) == []


def test_a_reading_that_was_overtaken_is_admitted_once():
    guard = PositionGuard()
    admitted(guard, (0, 0, 7, 0), (0, 0, 9, 0))
    assert admitted(guard, (0, 0, 6, 5), (0, 0, 8, 0)) == [0, 1]
    assert admitted(guard, (0, 0, 6, 5), (0, 0, 8, 0), (0, 0, 9, 0)) == []


def test_what_lies_below_a_forgotten_position_counts_as_seen():
    guard = PositionGuard(remembered=2)
    for offset in (4, 6, 8):
        admitted(guard, (0, 0, offset, 0))
    assert admitted(guard, (0, 0, 3, 0), (0, 0, 4, 0)) == []
    assert admitted(guard, (0, 0, 5, 0), (0, 0, 6, 0), (0, 0, 7, 0)) == [0, 2]


def test_a_position_that_was_forgotten_does_not_come_again_behind_a_lower_one():
    guard = PositionGuard(remembered=1)
    for offset in (9, 8, 7):
        admitted(guard, (0, 0, offset, 0))
    assert admitted(guard, (0, 0, 8, 0), (0, 0, 9, 0)) == []


def test_a_position_that_comes_twice_in_one_batch_is_admitted_once():
    assert admitted(PositionGuard(), (0, 0, 7, 0), (0, 0, 8, 0), (0, 0, 7, 0)) == [0, 1]


def test_readings_leave_in_the_order_of_their_positions():
    assert admitted(PositionGuard(), (0, 1, 3, 0), (0, 0, 9, 1), (1, 0, 9, 0), (0, 0, 2, 0)) == [3, 2, 1, 0]


def test_series_and_partitions_are_guarded_apart():
    guard = PositionGuard()
    admitted(guard, (0, 0, 100, 0))
    assert admitted(guard, (1, 0, 5, 0), (0, 3, 5, 0), (0, 0, 100, 0)) == [0, 1]
    assert admitted(guard, (0, 0, 101, 0), (0, 3, 5, 0), (1, 0, 5, 0)) == [0]


def test_offsets_may_be_as_large_as_kafka_allows():
    guard, last = PositionGuard(), 2**63 - 1
    assert admitted(guard, (0, 0, last - 1, 2**31 - 1)) == [0]
    assert admitted(guard, (0, 0, last - 1, 2**31 - 1), (0, 0, last, 0)) == [1]


positions = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 4), st.integers(0, 2))


@given(st.lists(st.lists(positions, max_size=8), max_size=5))
def test_the_guard_does_what_a_set_of_all_positions_does(batches):
    guard, seen = PositionGuard(), set()
    for batch in batches:
        new = {position: place for place, position in reversed(list(enumerate(batch))) if position not in seen}
        seen |= set(new)
        assert admitted(guard, *batch) == [new[each] for each in sorted(new, key=lambda each: (each[1:], each[0]))]


@given(st.lists(st.lists(positions, max_size=8), max_size=8), st.integers(1, 6))
def test_a_guard_that_forgets_never_admits_a_position_twice(batches, remembered):
    guard, seen = PositionGuard(remembered), set()
    for batch in batches:
        new = [batch[place] for place in admitted(guard, *batch)]
        assert not seen.intersection(new)
        seen |= set(new)


@given(st.lists(st.lists(positions, max_size=8), max_size=6), st.integers(1, 6))
def test_a_guard_goes_on_from_its_arrays(batches, remembered):
    kept, restored = PositionGuard(remembered), PositionGuard(remembered)
    for batch in batches:
        assert admitted(restored, *batch) == admitted(kept, *batch)
        frozen, restored = restored, PositionGuard(remembered)
        restored.series.load(0, frozen.series.page(0, len(frozen.series)))
        restored.load_recent(frozen.recent())


def test_a_replay_after_an_aborted_transaction_changes_nothing():
    batches = list(cut(readings(2000), range(100, 2000, 100)))
    replayed, plain = Scorer("half-space-trees"), Scorer("half-space-trees")
    said = said_of_all(replayed, [*batches[:8], *batches[3:8], *batches[5:]])
    assert said == said_of_all(plain, batches)
    assert replayed.snapshot() == plain.snapshot()


def test_a_shuffled_batch_is_scored_in_the_order_of_its_positions():
    batch = readings(1500)
    shuffled = part(batch, np.random.default_rng(1).permutation(1500))
    assert said_of_all(Scorer("half-space-trees"), [shuffled]) == said_of_all(Scorer("half-space-trees"), [batch])
