"""State that code of an earlier version wrote: read, brought to today's layout, continued from; or refused.

The files of tests/data/state were written by `python -m tests.state_files` when their versions were today's.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from river import __version__ as river_version

from models.detectors import Scorer, UnreadableState, detector
from models.detectors.batch_codec import decode_batch
from models.detectors.half_space_trees import HalfSpaceTreesFleet
from models.state_codec import State, decode, encode
from tests import state_files
from tests.state_files import N_JOURNAL, N_SNAPSHOT, NAMES, N, readings
from tests.unit.models.series_batches import said_of_all

SNAPSHOTS = list(state_files.stored_snapshots())
COLD = [snapshot for snapshot in SNAPSHOTS if snapshot.scorer < 4]
"""Of versions whose thresholds knew no rate."""

OF_RIVER = [snapshot for snapshot in SNAPSHOTS if snapshot.river and snapshot not in COLD]
# Another River's objects start cold (below): an upgrade of River leaves their files behind, with new ones beside them.
CONTINUABLE = [snapshot for snapshot in SNAPSHOTS if snapshot.river in (None, river_version) and snapshot not in COLD]

every_journal = pytest.mark.parametrize("path", state_files.stored_journals(), ids=lambda path: path.name)


@pytest.mark.parametrize("snapshot", CONTINUABLE, ids=lambda snapshot: snapshot.file_name)
def test_a_stored_state_goes_on_as_if_it_had_never_been_stored(snapshot):
    unbroken, restored = Scorer(snapshot.detector), Scorer(snapshot.detector)
    unbroken.step(readings(0, N_JOURNAL))

    restored.restore(snapshot.read())
    restored.learn(readings(N_SNAPSHOT, N_JOURNAL))

    then = [readings(N_JOURNAL, N)]
    said = said_of_all(restored, then)
    assert said == said_of_all(unbroken, then)
    assert len(said) == N - N_JOURNAL


@pytest.mark.parametrize("snapshot", COLD, ids=lambda snapshot: snapshot.file_name)
def test_a_stored_state_from_before_the_rate_of_alerts_is_refused(snapshot):
    with pytest.raises(UnreadableState, match=f"scorer version {snapshot.scorer}, this code reads scorer version 4"):
        Scorer(snapshot.detector).restore(snapshot.read())


def test_the_readings_that_follow_a_stored_state_raise_an_alarm():
    scorer = Scorer("gaussian", alerts_per_week=1e6)  # these readings are a millisecond apart
    scorer.step(readings(0, N_JOURNAL))
    assert scorer.step(readings(N_JOURNAL, N)).is_anomaly.any()


@pytest.mark.parametrize("snapshot", OF_RIVER, ids=lambda snapshot: snapshot.file_name)
def test_a_stored_state_of_another_river_is_refused(snapshot, monkeypatch):
    monkeypatch.setattr("models.detectors.river_fleet.river_version", "99.0")
    with pytest.raises(UnreadableState, match=f"River {re.escape(snapshot.river)}"):
        Scorer(snapshot.detector).restore(snapshot.read())


@every_journal
def test_a_stored_entry_of_the_journal_is_the_batch_that_it_was(path):
    found, written = decode_batch(path.read_bytes()), readings(N_SNAPSHOT, N_JOURNAL)
    assert found.keys == written.keys
    for column in ("event_times", "values", "partitions", "offsets", "items"):
        np.testing.assert_array_equal(getattr(found, column), getattr(written, column))


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_of_todays_versions_is_stored_for_every_detector(name):
    """After a version was raised, or River: `python -m tests.state_files`, and commit the file beside the old ones."""
    assert state_files.of_today(name) in SNAPSHOTS


def test_an_entry_of_the_journal_of_todays_version_is_stored():
    assert state_files.journal_of_today() in state_files.stored_journals()


def test_what_is_stored_is_never_written_again(monkeypatch, tmp_path):
    monkeypatch.setattr(state_files, "FOLDER", tmp_path)
    kept = tmp_path / state_files.of_today("gaussian").file_name
    kept.write_bytes(b"of its time")
    assert len(state_files.write_missing()) == len(NAMES) + 2  # the others, the journal, and two of the recommender
    assert kept.read_bytes() == b"of its time"
    assert state_files.write_missing() == []


# How a layout changes. These are versions that do not exist yet; each reads a file that today's version wrote.

TODAY, NEXT = Scorer.version, Scorer.version + 1


class BoundsInOneArray(HalfSpaceTreesFleet):
    """Version 2 of a fleet: `low` and `high` have become the columns of `bounds`."""

    version = 2

    @staticmethod
    def from_1(state: State) -> State:
        arrays = dict(state.arrays)
        bounds = np.column_stack([arrays.pop("low"), arrays.pop("high")])
        return replace(state, arrays={**arrays, "bounds": bounds})

    def restore(self, state: bytes, start: int = 0) -> None:
        frozen = decode(state, self.name, self.version, {1: self.from_1})
        arrays = dict(frozen.arrays)
        arrays["low"], arrays["high"] = arrays.pop("bounds").T
        super().restore(encode(replace(frozen, arrays=arrays)), start)


class UpperCaseScorer(Scorer):
    """The next version of a scorer: series are known by their names in capitals."""

    version = NEXT
    migrations = {TODAY: lambda state: replace(state, arrays={**state.arrays, "names.text": _capitals(state)})}  # noqa: RUF012


def _capitals(state):
    return np.frombuffer(state.arrays["names.text"].tobytes().upper(), np.uint8)


class WithoutMigration(Scorer):
    version = NEXT


class WithAWrongMigration(Scorer):
    version = NEXT
    migrations = {TODAY: lambda state: replace(state, values={"n_rows": state.values["rows"]})}  # noqa: RUF012


@pytest.fixture
def stored():
    """A snapshot that today's version of the scorer wrote."""
    (snapshot,) = (each for each in SNAPSHOTS if each.detector == "half-space-trees" and each.scorer == TODAY)
    return snapshot.read()


def test_a_fleet_of_the_next_version_continues_from_a_migrated_state(stored):
    fleet_1 = decode(stored, "scorer", TODAY).arrays["fleet"].tobytes()
    old, new = detector("half-space-trees").make_fleet(), BoundsInOneArray()
    old.restore(fleet_1)
    new.restore(fleet_1)
    rows, values = np.arange(400) % 2, readings(N_SNAPSHOT, N_SNAPSHOT + 400).values
    np.testing.assert_array_equal(new.step(rows, values), old.step(rows, values))


def test_a_scorer_of_the_next_version_continues_from_a_migrated_state(stored):
    batch, old, new = readings(N_SNAPSHOT, N), Scorer("half-space-trees"), UpperCaseScorer("half-space-trees")
    old.restore(stored)
    new.restore(stored)
    capitals = replace(batch, keys=[(device.upper(), metric.upper()) for device, metric in batch.keys])
    np.testing.assert_array_equal(new.step(capitals).scores, old.step(batch).scores)
    assert len(new) == 2


def test_what_the_next_version_writes_is_not_migrated_again(stored):
    first, second = UpperCaseScorer("half-space-trees"), UpperCaseScorer("half-space-trees")
    first.restore(stored)
    second.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()


def test_the_version_before_cannot_read_what_the_next_one_writes(stored):
    upgraded = UpperCaseScorer("half-space-trees")
    upgraded.restore(stored)
    with pytest.raises(UnreadableState, match=f"scorer version {NEXT}, this code reads scorer version {TODAY}"):
        Scorer("half-space-trees").restore(upgraded.snapshot())


def test_an_earlier_version_without_a_migration_is_refused(stored):
    with pytest.raises(UnreadableState, match=f"scorer version {TODAY}, this code reads scorer version {NEXT}"):
        WithoutMigration("half-space-trees").restore(stored)


def test_a_migration_that_fails_is_a_state_that_cannot_be_read(stored):
    with pytest.raises(UnreadableState, match=r"its migration to the next fails: KeyError\('rows'\)"):
        WithAWrongMigration("half-space-trees").restore(stored)


def test_migrations_lead_from_version_to_version():
    steps = {
        1: lambda state: replace(state, values={"told": [*state.values["told"], "1 to 2"]}),
        2: lambda state: replace(state, values={"told": [*state.values["told"], "2 to 3"]}),
    }
    told = {version: State("example", version, {"told": []}, {}) for version in (1, 2, 3)}
    assert decode(encode(told[1]), "example", 3, steps).values == {"told": ["1 to 2", "2 to 3"]}
    assert decode(encode(told[2]), "example", 3, steps).values == {"told": ["2 to 3"]}
    assert decode(encode(told[3]), "example", 3, steps).values == {"told": []}


def test_a_state_of_another_kind_is_not_migrated():
    def never(state):
        raise AssertionError(state)

    with pytest.raises(UnreadableState, match="state is other version 1"):
        decode(encode(State("other", 1, {}, {})), "example", 2, {1: never})
