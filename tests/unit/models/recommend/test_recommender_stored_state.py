"""State of recommend_items that code of an earlier version wrote: read, and gone on from as if never stored.

The files of tests/data/state were written by `python -m tests.state_files` when their versions were today's.
"""

import pytest

from jobs.operators.live_records import live_records
from models.detectors import UnreadableState
from models.recommend.online.recommender import LiveRecommender
from tests import state_files
from tests.recommender_states import N_JOURNAL, N_SNAPSHOT, N, records, shop

every_snapshot = pytest.mark.parametrize("snapshot", state_files.stored_recommenders(), ids=lambda path: path.name)
every_journal = pytest.mark.parametrize("journal", state_files.stored_interactions(), ids=lambda path: path.name)


@pytest.fixture(scope="module")
def unbroken():
    """Lists of all that follows the stored state, of a shop that was never stored."""
    learned = shop()
    learned.step(*records(0, N_SNAPSHOT))
    learned.step(*records(N_SNAPSHOT, N_JOURNAL))
    learned.readers.clear()
    learned.step(*records(N_JOURNAL, N))
    return learned


@every_snapshot
@every_journal
def test_a_stored_state_goes_on_as_if_it_had_never_been_stored(snapshot, journal, unbroken):
    restored = shop()
    restored.live.restore(snapshot.read_bytes())
    restored.shard.replay(journal.read_bytes(), live_records)

    restored.step(*records(N_JOURNAL, N))

    assert len(restored.lists()) == 23
    assert restored.readers == unbroken.readers
    assert restored.steps[-1].chosen == unbroken.steps[-1].chosen
    assert restored.live.withdrawn == {"item3", "item5"}


def test_what_is_stored_matters(unbroken):
    """Without it the lists are others: else the test above could not fail."""
    cold = shop()
    cold.step(*records(N_JOURNAL, N))
    assert cold.lists() != unbroken.lists()


@every_snapshot
def test_a_stored_state_without_its_end_is_refused(snapshot):
    with pytest.raises(UnreadableState):
        LiveRecommender().restore(snapshot.read_bytes()[:-1])


def test_a_snapshot_and_an_entry_of_todays_versions_are_stored():
    """After a version was raised: `python -m tests.state_files`, and commit the file beside the old ones."""
    assert state_files.recommender_of_today() in state_files.stored_recommenders()
    assert state_files.interactions_of_today() in state_files.stored_interactions()
