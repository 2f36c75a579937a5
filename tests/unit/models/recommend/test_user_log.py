"""UserLog: order by event time, each interaction once, bounded."""

from hypothesis import given
from hypothesis import strategies as st

from models.recommend.online.user_log import DUPLICATE, FORGOTTEN, UserLog

MOST = 8
interactions = st.tuples(st.integers(0, 20), st.integers(0, 3), st.sampled_from(["view", "buy"]))


def filled(rows, most=MOST):
    log = UserLog()
    return log, [log.add(at, item, action, most=most) for at, item, action in rows]


@given(st.lists(interactions, max_size=60))
def test_it_holds_the_newest_by_event_time_whatever_their_order(rows):
    log, places = filled(rows)
    admitted = [row for row, place in zip(rows, places, strict=True) if place >= 0]
    assert list(log.times_ms) == sorted(time for time, _, _ in admitted)[-MOST:]
    assert len(log) == len(log.items) == len(log.actions) <= MOST


@given(st.lists(interactions, max_size=8, unique=True), st.randoms(use_true_random=False))
def test_below_its_bound_the_items_of_a_log_do_not_depend_on_the_order_of_arrival(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    logs = [filled(each)[0] for each in (rows, shuffled)]
    said = [sorted(zip(log.times_ms, log.items, log.actions, strict=True)) for log in logs]
    assert said[0] == said[1]


@given(st.lists(interactions, unique_by=lambda row: row[0], max_size=40), st.data())
def test_what_comes_again_is_not_admitted_however_late(rows, data):
    log, _ = filled(rows)
    if rows:
        again = data.draw(st.sampled_from(rows))
        assert log.add(*again, most=MOST) in (DUPLICATE, FORGOTTEN)


def test_another_action_or_item_at_the_same_time_is_another_interaction():
    _, places = filled([(5, 1, "view"), (5, 1, "buy"), (5, 2, "view"), (5, 1, "view")])
    assert places == [0, 1, 2, DUPLICATE]


def test_near_items_come_each_once_the_nearest_first():
    log, _ = filled([(time, item, "view") for time, item in enumerate([4, 1, 2, 1, 3, 2, 5])])
    assert log.before(4, 3) == [1, 2, 4]
    assert log.after(1, 2) == [2, 1]
    assert log.recent(3) == [5, 2, 3]


def test_dropped_items_leave_and_the_others_keep_their_times():
    log, _ = filled([(10, 0, "view"), (20, 1, "view"), (30, 2, "view"), (40, 1, "buy")])
    log.keep(bytearray([1, 0, 1]))
    assert (list(log.times_ms), list(log.items)) == ([10, 30], [0, 2])
