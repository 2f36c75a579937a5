"""Feedback on lists: clicks find their list, copies count once, what names no list counts nowhere."""

import random
import time
from collections import Counter

import pytest

from jobs import measure_recommendations
from jobs.settings import JobSettings
from schemas.topics import EXPOSURES, INTERACTIONS, RECOMMENDATIONS_FEEDBACK
from tests.raw_messages import NOW_MS

# Windows of processing time lose what is open when their input ends. The first begins with the job, and has all of it.
WINDOW_S = 10
RATE, TAIL_S = 100, WINDOW_S + 1
SETTINGS = JobSettings(measured_every_s=WINDOW_S)

IDS = f"""CREATE TEMPORARY TABLE ids (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '{RATE}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{RATE * TAIL_S}')"""
VIEWS = (
    """CREATE TEMPORARY VIEW exposures AS
    SELECT exposure_id, `user`, items, model_version, source, arm, PROCTIME() AS proc FROM (
      SELECT exposure_id, `user`, items, model_version, source, arm FROM shown_lists UNION ALL
      SELECT IF(id < 0, '', CAST(NULL AS STRING)), '', ARRAY[''], '', '', '' FROM ids)""",
    """CREATE TEMPORARY VIEW interactions AS
    SELECT `user`, item, action, event_time, exposure_id, PROCTIME() AS proc FROM (
      SELECT `user`, item, action, event_time, exposure_id FROM acted UNION ALL
      SELECT '', '', IF(id < 0, '', CAST(NULL AS STRING)), CAST(0 AS BIGINT), '' FROM ids)""",
)
VERSIONS, ARMS = ("v1", "v2", None), ("a/control", "a/treatment", None)

draw = random.Random(3)
LISTS = [
    {
        "exposure_id": f"list-{n}", "user": f"user-{n % 20}", "items": ["a", "b", "c", "d"],
        "model_version": draw.choice(VERSIONS), "source": "personal", "arm": draw.choice(ARMS), "event_time": NOW_MS,
    }
    for n in range(60)
]  # fmt: skip


def acted(of, item="b", action="click", **others):
    return {
        "user": of["user"],
        "item": item,
        "action": action,
        "event_time": NOW_MS,
        "exposure_id": of["exposure_id"],
    } | others


CLICKS = [acted(each) for each in LISTS[:30]] + [acted(each, item="d") for each in LISTS[:10]]
BOUGHT = [acted(each, item="a", action="buy") for each in LISTS[:5]]
ELSEWHERE = acted(LISTS[0], item="x", action="save")
NOT_COUNTED = [
    acted(LISTS[40], user="somebody else"), acted(LISTS[41], exposure_id="no list"), acted(LISTS[42], exposure_id=None),
    acted(LISTS[43], action=None), acted(LISTS[44], action="shown"), acted(LISTS[45], event_time=None), {},
]  # fmt: skip


@pytest.fixture(scope="module")
def feedback(file_tables):
    topics = file_tables("measure_recommendations")
    malformed = [{}, {"exposure_id": "x"}, {"exposure_id": "x", "user": "u"}]
    topics.source(EXPOSURES, [*LISTS, *LISTS[:7], *malformed], name="shown_lists")
    interactions = [*CLICKS, *BOUGHT, ELSEWHERE, *CLICKS[:9], *NOT_COUNTED]
    draw.shuffle(interactions)
    topics.source(INTERACTIONS, interactions, name="acted")
    topics.tables.execute_sql(IDS)
    for view in VIEWS:
        topics.tables.execute_sql(view)
    topics.sink(RECOMMENDATIONS_FEEDBACK)
    begins_s = int(time.time())
    topics.execute(measure_recommendations.build(topics.tables, SETTINGS, begins_s))
    found = topics.records(RECOMMENDATIONS_FEEDBACK)
    assert {each.window_start for each in found} == {1000 * begins_s}
    return found


def counted(feedback, action):
    found = Counter()
    for each in feedback:
        if each.action == action:
            found[each.model_version, each.arm] += each.events
    return found


def test_lists_are_counted_once_by_model_and_arm(feedback):
    assert counted(feedback, "shown") == Counter((each["model_version"], each["arm"]) for each in LISTS)


@pytest.mark.parametrize(("action", "sent"), [("click", CLICKS), ("buy", BOUGHT), ("save", [ELSEWHERE])])
def test_each_answer_is_counted_once_for_the_model_and_arm_of_its_list(feedback, action, sent):
    of = {each["exposure_id"]: (each["model_version"], each["arm"]) for each in LISTS}
    assert counted(feedback, action) == Counter(of[each["exposure_id"]] for each in sent)


def test_how_high_up_it_stood_is_the_mean_reciprocal_rank(feedback):
    ranks = {each.action: each.mean_reciprocal_rank for each in feedback if each.action in ("buy", "save")}
    assert ranks == {"buy": 1.0, "save": 0.0}
    assert all(each.mean_reciprocal_rank is None for each in feedback if each.action == "shown")
    clicks = [each for each in feedback if each.action == "click"]
    assert all(0.25 <= each.mean_reciprocal_rank <= 0.5 for each in clicks)


def test_nothing_else_is_counted(feedback):
    assert {each.action for each in feedback} == {"shown", "click", "buy", "save"}
