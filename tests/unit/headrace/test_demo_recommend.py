"""The demo of recommendations asks for all that was counted, and splits its users evenly."""

import re
from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.influxdb.points import point
from connectors.influxdb.reader import milliseconds
from connectors.pseudonym_key import PseudonymKey
from examples.recommendations.live_feedback import counts, query
from examples.recommendations.run import DECLARATION
from examples.recommendations.shop import names_of_both_arms
from jobs.settings import MAX_MEASURED_EVERY_S, JobSettings
from models.experiments.sample_ratio import mismatch_p
from schemas.experiment import CONTROL, TREATMENT, experiments_of
from schemas.recommendation_feedback import RecommendationFeedback
from schemas.topics import RECOMMENDATIONS_FEEDBACK

(EXPERIMENT,) = experiments_of(DECLARATION.format(name="demo-04711", within_h=1))
NOW_MS = 1_790_000_000_000


def stamped_ms(time_ms, window_s):
    """When the point stands that counts something at `time_ms`."""
    start = time_ms // (1000 * window_s) * 1000 * window_s
    feedback = RecommendationFeedback(window_start=start, source="popular", arm="a/b", action="click", events=1)
    return int(point(RECOMMENDATIONS_FEEDBACK.name, feedback.model_dump_json().encode()).rsplit(" ", 1)[1])


@given(
    st.integers(NOW_MS, NOW_MS + 10**9),
    st.integers(0, 10**6),
    st.integers(1, MAX_MEASURED_EVERY_S).map(lambda window_s: JobSettings(measured_every_s=window_s).measured_every_s),
)
def test_the_query_begins_before_the_window_of_the_first_click_however_long_windows_are(began_ms, later_ms, window_s):
    start, stop = re.findall(r"range\(start: (\S+), stop: (\S+)\)", query("telemetry", EXPERIMENT, began_ms))[0]
    assert milliseconds(start) <= stamped_ms(began_ms + later_ms, window_s) < milliseconds(stop)


def test_no_window_may_be_longer_than_the_query_reckons_with():
    with pytest.raises(ValueError, match="measured_every_s"):
        JobSettings(measured_every_s=MAX_MEASURED_EVERY_S + 1)


def test_the_query_is_for_the_arms_of_the_experiment_and_no_others():
    asked = query('tele"metry', EXPERIMENT, NOW_MS)
    assert 'r.arm == "demo-04711/control" or r.arm == "demo-04711/treatment"' in asked
    assert r'from(bucket: "tele\"metry")' in asked


def test_counts_are_by_source_and_action():
    rows = [
        {"source": source, "action": action, "_value": value}
        for source, action, value in (("popular", "shown", "7"), ("popular", "click", "2"), ("personal", "click", "3"))
    ]
    assert counts(rows) == {"popular": Counter(shown=7, click=2), "personal": Counter(click=3)}


@pytest.mark.parametrize("number", range(20))
def test_either_arm_has_half_of_the_users_whatever_the_key_for_pseudonyms(number):
    (experiment,) = experiments_of(DECLARATION.format(name=f"demo-{number:05}", within_h=1))
    pseudonym_of = PseudonymKey.new().pseudonym
    names = names_of_both_arms(experiment, (f"user-{n}" for n in count()), 40, pseudonym_of)
    arms = Counter(experiment.arm_of(pseudonym_of(name)) for name in names)
    assert arms == {CONTROL: 20, TREATMENT: 20}
    assert len({*names}) == 40
    shares = {arm: experiment.arm(arm).share for arm in arms}
    assert mismatch_p(dict(arms), shares) == 1
