"""/metrics says what users did with their lists, of few versions and few of everything, and no answer waits for it."""

import asyncio
import time

import pytest

from schemas.recommendation_feedback import SHOWN, RecommendationFeedback
from serving.feedback import MAX_ACTIONS, MAX_IDLE_MS, MAX_VERSIONS, OLDER, OTHER
from tests.unit.serving.test_answered_lists import ask

SOON_S = 30
MINUTE_MS = 60_000


def said(action=SHOWN, events=1, version="v1", source="personal", arm=None, minute=0, rank=None):
    return RecommendationFeedback(
        window_start=minute * MINUTE_MS, model_version=version, source=source, arm=arm, action=action, events=events,
        mean_reciprocal_rank=rank,
    ).model_dump_json().encode()  # fmt: skip


@pytest.fixture
def following(service):
    service.feedback_consumer.start()
    yield service
    service.feedback_consumer.stop()


def until(refresh):
    deadline = time.monotonic() + SOON_S
    while not refresh():
        assert time.monotonic() < deadline, f"not within {SOON_S} s"
        time.sleep(0.001)


def ready(service, *values):
    """Once the instance has counted these too."""
    log = service.feedback_log
    log.values += values
    until(lambda: log.taken == len(log.values))


def events(service, version="v1", action=SHOWN, source="personal", arm="none"):
    labels = {"model_version": version, "source": source, "arm": arm, "action": action}
    return service.registry.get_sample_value("headrace_serving_feedback_events_total", labels)


def label_values(service, label):
    return {
        sample.labels[label]
        for family in service.registry.collect()
        for sample in family.samples
        if sample.name == "headrace_serving_feedback_events_total"
    }


def test_minutes_add_up_by_version_source_arm_and_action(following):
    ready(following, said(events=3), said(events=2, minute=1), said("click", arm="a/control", version=None, rank=0.5))
    assert events(following) == 5
    assert events(following, version="none", action="click", arm="a/control") == 1


def test_the_mean_rank_is_a_quotient_of_two_counters(following):
    ready(following, said("click", 3, rank=0.5), said("click", 1, rank=0.25), said(events=4))
    labels = {"model_version": "v1", "source": "personal", "arm": "none"}
    assert following.metric("feedback_reciprocal_ranks_total", **labels, action="click") == pytest.approx(1.75)
    ranks = "headrace_serving_feedback_reciprocal_ranks_total"
    assert following.registry.get_sample_value(ranks, labels | {"action": SHOWN}) is None


def test_they_stand_in_the_text_that_prometheus_asks_for(following):
    ready(following, said())
    text = asyncio.run(following.get("/metrics")).text
    line = 'feedback_events_total{action="shown",arm="none",model_version="v1",source="personal"} 1.0'
    assert f"headrace_serving_{line}" in text


def test_what_is_before_its_time_is_not_counted(service):
    service.feedback_log.values, service.feedback_log.before = [said(events=100), said()], 1
    service.feedback_consumer.start()
    ready(service)
    ready(service, said())
    service.feedback_consumer.stop()
    assert events(service) == 2


def test_a_record_that_is_none_is_counted_apart(following):
    ready(following, b"{", None, said())
    assert following.metric("feedback_unreadable_total") == 2
    assert events(following) == 1


def test_the_newest_versions_are_told_apart_and_those_before_are_one(following):
    names = [f"2026{number:04}" for number in range(MAX_VERSIONS + 2)]
    ready(following, *(said(version=name) for name in names))
    assert label_values(following, "model_version") == set(names[2:])
    ready(following, said(version=names[0]), said(version=names[1]), said(version=None))
    assert label_values(following, "model_version") == {*names[2:], OLDER, "none"}
    assert events(following, version=OLDER) == 2


def test_actions_that_are_made_up_push_none_out_that_is_counted(following):
    ready(following, said(), said("click"), *(said(f"made up {number}") for number in range(1000)))
    assert len(label_values(following, "action")) == MAX_ACTIONS + 1
    assert events(following, action=OTHER) == 1000 - (MAX_ACTIONS - 2)
    ready(following, said("click"))
    assert events(following, action="click") == 2


def test_what_was_silent_for_long_makes_room(following):
    later = MAX_IDLE_MS // MINUTE_MS
    ready(following, *(said(f"made up {number}") for number in range(MAX_ACTIONS)))
    ready(following, said("buy", minute=later - 1))
    assert "buy" not in label_values(following, "action")
    ready(following, said("buy", minute=later))
    assert events(following, action="buy") == 1
    assert len(label_values(following, "action")) == MAX_ACTIONS + 1


def test_kafka_away_is_an_age_that_grows_and_no_answer_waits(service):
    service.feedback_log.unavailable = True
    service.feedback_consumer.start()
    service.clock.now_s += 7
    assert service.metric("feedback_age_seconds") == 7
    assert ask(service, "/users/u1/recommendations")["source"] == "popular"
    service.feedback_log.unavailable = False
    ready(service, said())
    until(lambda: service.metric("feedback_age_seconds") == 0)
    service.feedback_consumer.stop()


def test_kafka_back_it_reads_on_and_counts_nothing_twice(following):
    ready(following, said())
    following.feedback_log.unavailable = True
    until(lambda: following.feedback_log.refusals > 1)
    following.clock.now_s += 5
    following.feedback_log.values.append(said())
    assert following.metric("feedback_age_seconds") == 5
    following.feedback_log.unavailable = False
    ready(following, said())
    assert (events(following), following.feedback_log.connections) == (3, 1)
