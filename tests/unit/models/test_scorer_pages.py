"""The scorer's state in pages: only what changed is written, and a damaged page takes no other one along."""

import numpy as np
import pytest

from models.detectors import DETECTORS, Batch, Scorer, UnreadableState
from models.detectors.position_guard import REMEMBERED
from models.detectors.scorer import BUCKET
from models.detectors.series_index import PAGE_SERIES
from tests.unit.models.series_batches import cut, part, random_ends, said_of_all

NAMES = [*(name for name in DETECTORS if name != "river-half-space-trees"), "river:anomaly:StandardAbsoluteDeviation"]
"""River's trees are the fleet that the second one of River is, and their objects take seconds to make."""
every_detector = pytest.mark.parametrize("name", NAMES)

N_SERIES = 2 * PAGE_SERIES + 20


def readings_of(numbers, start=0, seed=1):
    """One reading of each of these series, which stand in the rows of their numbers once `all_series` has been."""
    n = len(numbers)
    values = np.random.default_rng(seed).normal(20, 2, n)
    offsets = start + np.arange(n)
    zeros = np.zeros(n, np.int64)
    return Batch([(f"device-{number}", "flow") for number in numbers], 1000 * offsets, values, zeros, offsets, zeros)


def all_series():
    return readings_of(range(N_SERIES))


class Kept:
    """The pages of a scorer, each as it was written last."""

    def __init__(self, scorer):
        self.scorer, self.pages = scorer, {}
        self.write()

    def write(self):
        """The numbers of the pages that were written."""
        changed = self.scorer.changed_pages()
        self.pages |= changed
        return sorted(changed)

    def read(self):
        scorer = Scorer(self.scorer.detector_name)
        assert scorer.restore_pages(self.pages.get) == []
        return scorer


@pytest.fixture
def kept(request):
    scorer = Scorer(getattr(request, "param", "gaussian"))
    scorer.step(all_series())
    return Kept(scorer)


def test_all_pages_of_new_series_are_written(kept):
    assert sorted(kept.pages) == [BUCKET, 0, 1, 2]


def test_only_the_pages_of_series_with_new_readings_are_written(kept):
    assert kept.write() == [BUCKET]
    kept.scorer.step(readings_of([PAGE_SERIES, 2 * PAGE_SERIES - 1], start=10_000))
    assert kept.write() == [BUCKET, 1]
    assert kept.write() == [BUCKET]


def test_a_reading_that_comes_again_changes_no_page(kept):
    kept.scorer.step(all_series())
    assert kept.write() == [BUCKET]


@every_detector
def test_pages_written_at_different_times_are_the_state(name):
    scorer = Scorer(name)
    scorer.step(all_series())
    kept = Kept(scorer)
    rng = np.random.default_rng(5)
    for n in range(6):
        first = int(rng.integers(0, N_SERIES - 30))
        numbers = first + rng.integers(0, 30, 100)
        scorer.step(readings_of(numbers.tolist(), start=1000 * (n + 1), seed=n))
        kept.write()
    then = [readings_of(rng.integers(0, N_SERIES + 5, 300).tolist(), start=50_000)]
    assert said_of_all(kept.read(), then) == said_of_all(scorer, then)


def test_a_position_that_is_no_longer_remembered_by_itself_is_in_the_pages(kept):
    kept.scorer.step(readings_of(list(range(100)) * (REMEMBERED // 100), start=10_000))
    assert kept.write() == [BUCKET, 0]
    kept.scorer.step(readings_of([0] * 100, start=100_000))
    assert kept.write() == [BUCKET, 0, 1, 2]  # the first reading of every series leaves the memory
    assert kept.read().snapshot() == kept.scorer.snapshot()


def test_a_damaged_page_takes_the_models_of_its_own_series_along_and_no_others(kept):
    for n in range(1, 120):
        kept.scorer.step(readings_of([3, PAGE_SERIES + 3], start=10_000 * n, seed=n))
    kept.write()
    page = kept.pages[1]
    kept.pages[1] = page[:60] + bytes([page[60] ^ 1]) + page[61:]
    read = Scorer(kept.scorer.detector_name)
    (error,) = read.restore_pages(kept.pages.get)
    assert "damaged" in str(error)
    assert len(read) == N_SERIES - PAGE_SERIES

    then = readings_of([3, PAGE_SERIES + 3, 2 * PAGE_SERIES + 3], start=9_000_000)
    said, unbroken, cold = said_of_all(read, [then]), said_of_all(kept.scorer, [then]), Scorer(read.detector_name)
    lost = next(key for key in said if key[0][0] == f"device-{PAGE_SERIES + 3}")
    assert said.pop(lost) == said_of_all(cold, [then])[lost]
    del unbroken[lost]
    assert said == unbroken


def test_a_damaged_page_is_written_anew_with_the_next_snapshot(kept):
    kept.pages[1] = b"damaged"
    kept.scorer = Scorer("gaussian")
    assert len(kept.scorer.restore_pages(kept.pages.get)) == 1
    assert kept.write() == [BUCKET, 1]
    assert len(kept.read()) == N_SERIES - PAGE_SERIES


def test_a_missing_page_is_a_damaged_one(kept):
    del kept.pages[2]
    assert len(Scorer("gaussian").restore_pages(kept.pages.get)) == 1


@pytest.mark.parametrize("bucket", [None, b"", b"damaged"])
def test_without_what_belongs_to_the_bucket_nothing_is_read_and_the_scorer_stays_as_it_was(kept, bucket):
    scorer = Scorer("gaussian")
    scorer.step(readings_of([1, 2, 3]))
    good = scorer.snapshot()
    with pytest.raises(UnreadableState):
        scorer.restore_pages((kept.pages | {BUCKET: bucket}).get)
    assert scorer.snapshot() == good


def test_pages_in_each_others_place_are_unreadable(kept):
    with pytest.raises(UnreadableState, match=r"state has no 'recent\.rows'"):
        Scorer("gaussian").restore_pages((kept.pages | {BUCKET: kept.pages[0]}).get)
    (error,) = Scorer("gaussian").restore_pages((kept.pages | {1: kept.pages[BUCKET]}).get)
    assert "state has no 'fleet'" in str(error)


def test_pages_of_another_detector_are_refused(kept):
    with pytest.raises(UnreadableState, match="state is of gaussian, not of half-space-trees"):
        Scorer("half-space-trees").restore_pages(kept.pages.get)


def test_a_fleet_that_cannot_read_its_pages_begins_anew_with_every_series(kept, monkeypatch):
    monkeypatch.setattr("models.detectors.gaussian.GaussianFleet.version", 99)
    scorer = Scorer("gaussian")
    assert len(scorer.restore_pages(kept.pages.get)) == 3
    assert len(scorer) == 0
    assert np.isnan(kept.scorer.step(readings_of([5], start=10_000)).scores).all()


# Series that are silent for too long.

DAY_S = 24 * 3600
LIFETIME_S = 30 * DAY_S
LEARNED = 400


def learned_then(gap_s, device="pump-1", start=0, partition=0):
    """`LEARNED` readings of a series, one an hour, and as many again behind a gap."""
    n = 2 * LEARNED
    values = np.random.default_rng(4).normal(20, 2, n)
    values[-40] = 90.0
    times = 3_600_000 * np.arange(n)
    times[LEARNED:] += gap_s * 1000
    offsets = start + np.arange(n)
    return Batch([(device, "flow")] * n, times, values, np.full(n, partition), offsets, np.zeros(n))


def merged(*batches):
    """Readings of several series in the order of their event times, at positions in that order."""
    keys = [key for batch in batches for key in batch.keys]
    times, values = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("event_times", "values"))
    order = np.argsort(times, kind="stable")
    zeros = np.zeros(len(keys), np.int64)
    return Batch(
        [keys[place] for place in order.tolist()], times[order], values[order], zeros, np.arange(len(keys)), zeros
    )


def scores_of(batch, device, lifetime_s=LIFETIME_S, ends=()):
    scorer = Scorer("gaussian", lifetime_s=lifetime_s)
    said = said_of_all(scorer, cut(batch, ends))
    return [each for (key, *_), each in said.items() if key[0] == device]


def test_a_series_that_comes_back_within_its_lifetime_goes_on():
    batch = learned_then(LIFETIME_S - 3600)
    assert scores_of(batch, "pump-1") == scores_of(batch, "pump-1", lifetime_s=None)


def test_a_series_that_comes_back_after_its_lifetime_begins_anew():
    batch = learned_then(LIFETIME_S)
    found = scores_of(batch, "pump-1")
    assert found[:LEARNED] == scores_of(batch, "pump-1", lifetime_s=None)[:LEARNED]
    assert found[LEARNED:] == scores_of(part(batch, slice(LEARNED, None)), "pump-1")


MIXED = merged(
    learned_then(LIFETIME_S, "pump-1"), learned_then(3 * LIFETIME_S, "pump-2"), learned_then(DAY_S, "pump-3"),
    learned_then(40 * LIFETIME_S, "pump-4"),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_where_batches_are_cut_changes_nothing_for_series_that_begin_anew(seed):
    whole = said_of_all(Scorer("gaussian", lifetime_s=LIFETIME_S), [MIXED])
    ends = random_ends(len(MIXED), 40, seed) if seed else range(1, len(MIXED))
    assert said_of_all(Scorer("gaussian", lifetime_s=LIFETIME_S), cut(MIXED, ends)) == whole
    assert whole != said_of_all(Scorer("gaussian"), [MIXED])


@pytest.mark.parametrize("every", [1, 7, 60])
def test_when_rows_of_silent_series_are_given_up_changes_no_score(every):
    kept = said_of_all(Scorer("gaussian", lifetime_s=LIFETIME_S), [MIXED])
    scorer, given_up = Scorer("gaussian", lifetime_s=LIFETIME_S), {}
    for number, batch in enumerate(cut(MIXED, range(20, len(MIXED), 20))):
        given_up |= said_of_all(scorer, [batch])
        if number % every == 0:
            scorer.changed_pages()
    assert given_up == kept


def test_a_replay_forgets_the_same_series_before_the_same_readings():
    batches = list(cut(MIXED, random_ends(len(MIXED), 50)))
    scorer = Scorer("gaussian", lifetime_s=LIFETIME_S)
    pages = {}
    for batch in batches[:30]:
        scorer.step(batch)
    pages |= scorer.changed_pages()
    restored = Scorer("gaussian", lifetime_s=LIFETIME_S)
    assert restored.restore_pages(pages.get) == []
    for batch in batches[30:40]:
        scorer.step(batch)
        restored.learn(batch)
    assert said_of_all(restored, batches[40:]) == said_of_all(scorer, batches[40:])


def test_a_snapshot_gives_up_the_rows_of_silent_series_and_new_ones_get_them():
    scorer = Scorer("gaussian", lifetime_s=LIFETIME_S)
    scorer.step(all_series())
    kept = Kept(scorer)
    late = 2 * LIFETIME_S * 1000
    newcomers = readings_of(range(N_SERIES, N_SERIES + 5), start=100_000)
    scorer.step(
        Batch(
            newcomers.keys, late + newcomers.event_times, newcomers.values, np.zeros(5), newcomers.offsets, np.zeros(5)
        )
    )
    kept.write()
    assert len(scorer) == len(kept.read()) == 5
    more = readings_of(range(N_SERIES + 5, N_SERIES + 40), start=200_000)
    scorer.step(Batch(more.keys, late + more.event_times, more.values, np.zeros(35), more.offsets, np.zeros(35)))
    assert kept.write() == [BUCKET, 0]
    assert len(kept.read()) == 40


def test_a_device_that_sends_what_it_measured_long_ago_is_not_silent():
    now = merged(learned_then(DAY_S, "pump-1"))
    ago = learned_then(DAY_S, "logger")
    old = Batch(ago.keys, ago.event_times - 300 * DAY_S * 1000, ago.values, ago.partitions, ago.offsets, ago.items)
    n = len(now)
    order = np.argsort(np.concatenate([np.arange(n), np.arange(n) + 0.5]), kind="stable")
    times, values = (
        np.concatenate([now.event_times, old.event_times])[order],
        np.concatenate([now.values, old.values])[order],
    )
    keys = [(now.keys + old.keys)[place] for place in order.tolist()]
    both = Batch(keys, times, values, np.zeros(2 * n), np.arange(2 * n), np.zeros(2 * n))
    assert scores_of(both, "logger") == scores_of(both, "logger", lifetime_s=None)
