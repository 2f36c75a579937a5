"""What the recommending operator makes of the state it finds; Flink and Redis are replaced by two in memory."""

import logging

import pytest

from jobs.operators import recommend_live
from jobs.operators.recommend_live import RecommendLive
from jobs.settings import JobSettings
from models.recommend.online.recommender import LiveRecommender
from tests.unit.jobs.flink_in_memory import FlinkInMemory, ListInMemory, MapInMemory
from tests.unit.models.recommend.live_batches import Sent, batch, forgets, tells, took

ROWS = [took(f"user{n % 7}", f"item{n * 5 % 23}", n) for n in range(120)] + [tells("item3", False)]
LATER = [took(f"user{n % 7}", f"item{n % 23}", n) for n in range(120, 160)]


class Written:
    """In place of Redis: what it holds, and what the last call said of availability."""

    def __init__(self):
        self.lists, self.offered = {}, {}

    def write(self, lists, offered, forgotten=()):
        self.lists |= {tuple(each.key.split(":", 1)): each.body for each in lists}
        for user in forgotten:
            self.lists.pop(("recommendations", user), None)
        self.offered = dict(offered)


class Keyed(FlinkInMemory):
    """The state of one shard, and its Redis."""

    def __init__(self, root, shard=0):
        super().__init__(shard, MapInMemory(), ListInMemory())
        self.root, self.redis = root, Written()

    def started(self, shards=1):
        """An operator after a restart: it knows nothing but what stands in the state."""
        settings = JobSettings(recommend_shards=shards)
        return self.opened(RecommendLive(settings, lambda: self.root, lambda lifetime_s: self.redis, "recommend_items"))


def send(operator, keyed, rows, size=10):
    letters = []
    for start in range(0, len(rows), size):
        letters += operator.process_element(batch(rows[start : start + size], start), keyed)
    return letters


def of_users(keyed):
    return {name: body for (kind, name), body in keyed.redis.lists.items() if kind == "recommendations"}


@pytest.fixture(params=["journal alone", "snapshots"])
def keyed(request, tmp_path, monkeypatch):
    if request.param == "snapshots":
        monkeypatch.setattr(recommend_live, "JOURNAL_BYTES", 2_000)
        monkeypatch.setattr(recommend_live, "PIECE_BYTES", 100)
    return lambda shard=0: Keyed(tmp_path, shard)


def test_a_restart_changes_no_list(keyed):
    unbroken, broken = keyed(), keyed()
    operator = unbroken.started()
    send(operator, unbroken, ROWS)
    send(operator, unbroken, LATER)
    send(broken.started(), broken, ROWS)
    send(broken.started(), broken, LATER)
    assert of_users(broken) == of_users(unbroken)
    assert len(of_users(unbroken)) == 7


def test_the_journal_is_bounded_by_a_snapshot_in_pieces(keyed, monkeypatch):
    monkeypatch.setattr(recommend_live, "JOURNAL_BYTES", 2_000)
    monkeypatch.setattr(recommend_live, "PIECE_BYTES", 100)
    state = keyed()
    send(state.started(), state, ROWS)
    assert sum(map(len, state.journal.get())) < 2_000
    assert len(state.snapshot.entries) > 10
    assert {len(piece) for place, piece in state.snapshot.entries.items()} >= {100}


def test_what_is_withdrawn_is_said_again_after_a_restart_by_the_first_shard_alone(keyed):
    for shard, said in ((0, {"item3": False}), (1, {})):
        state = keyed(shard)
        send(state.started(shards=2), state, ROWS)
        state.redis.offered = {}
        operator = state.started(shards=2)
        operator._load(shard)
        assert state.redis.offered == said


def test_of_a_user_who_is_forgotten_nothing_is_left_in_state_or_redis(keyed):
    state = keyed()
    operator = state.started()
    send(operator, state, ROWS)
    send(operator, state, [forgets("user3")])
    assert set(of_users(state)) == {f"user{n}" for n in range(7)} - {"user3"}
    assert not list(state.journal.get())  # of interactions, as they came
    after = LiveRecommender()
    after.restore(b"".join(piece for _, piece in sorted(state.snapshot.items())))
    assert after.newest_ms("user3") == 0
    assert after.newest_ms("user2") > 0
    # What was on its way, and a restart, change nothing.
    send(state.started(), state, LATER)
    assert "user3" not in of_users(state)
    assert state.counters["interactions_dropped"].count == sum(b"user3" in row.value for row in LATER)


@pytest.mark.parametrize("where", ["snapshot", "journal"])
def test_a_state_that_cannot_be_read_starts_cold_is_counted_and_goes_on(keyed, where, caplog):
    state = keyed()
    if where == "snapshot":
        state.snapshot.put(0, b"no state")
    else:
        state.journal.add(b"no batch")
    with caplog.at_level(logging.WARNING):
        send(state.started(), state, ROWS)
    assert state.counters["states_unreadable"].count == 1
    assert "starts cold" in caplog.text
    send(state.started(), state, LATER)
    assert state.counters["states_unreadable"].count == 0


def test_what_happened_is_counted_and_what_is_refused_comes_out(keyed):
    state = keyed()
    rows = [*ROWS, ROWS[-3], took("user1", "item1", 3, appended_s=99), took("user1", None, 5, "login"), Sent(b"{")]
    letters = send(state.started(), state, rows)
    counts = {name: counter.count for name, counter in state.counters.items() if counter.count}
    assert counts.pop("lists_written") >= 7
    assert counts == {"interactions_new": 120, "interactions_duplicate": 1, "interactions_late": 1, "passed_over": 1}
    assert len(letters) == 1
