"""Verdicts on alerts: what they do to the threshold of a series, and how far."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detectors import Batch, Scorer, UnreadableState, Verdict
from models.detectors.batch_codec import encode_batch
from models.detectors.verdict_codec import decode_verdicts, encode_verdicts, has_verdicts
from models.detectors.verdicts import CONFIRMED, DISMISSED, LIFETIME_MS, MAX_RAISE, REMEMBERED, STEP, Verdicts
from schemas.anomaly_kind import AnomalyKind

DAY_MS = 24 * 3600 * 1000
SERIES = ("pump-1", "flow")


def with_alerts(*episodes):
    verdicts = Verdicts()
    verdicts.grow(1)
    verdicts.note_alerts(np.zeros(len(episodes), np.int64), np.array(episodes))
    return verdicts


def raised(verdicts, at=0):
    (found,) = verdicts.raises(np.array([0]), np.array([at]))
    return found


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from([CONFIRMED, DISMISSED])), max_size=60))
def test_the_raise_follows_from_the_latest_verdict_on_each_alert_and_is_bounded(said):
    verdicts, latest = with_alerts(*range(8)), {}
    for alert, verdict in said:
        assert verdicts.judge(0, alert, verdict, now_ms=0) == (alert < 8)
        latest[alert] = verdict
        assert 0 <= raised(verdicts) <= MAX_RAISE
    once = with_alerts(*range(8))
    for alert in sorted(latest):
        once.judge(0, alert, latest[alert], now_ms=0)
    assert raised(verdicts) == raised(once)


def test_the_same_verdict_twice_counts_once_and_a_changed_one_replaces_it():
    verdicts = with_alerts(1, 2)
    for _ in range(5):
        verdicts.judge(0, 1, DISMISSED, now_ms=0)
    assert raised(verdicts) == STEP
    verdicts.judge(0, 1, CONFIRMED, now_ms=0)
    assert raised(verdicts) == 0


def test_a_confirmed_alert_takes_back_a_dismissed_one():
    verdicts = with_alerts(1, 2, 3)
    for alert, verdict in ((1, DISMISSED), (2, DISMISSED), (3, CONFIRMED)):
        verdicts.judge(0, alert, verdict, now_ms=0)
    assert raised(verdicts) == STEP


def test_the_raise_is_gone_half_a_year_after_the_last_verdict():
    verdicts = with_alerts(1)
    verdicts.judge(0, 1, DISMISSED, now_ms=DAY_MS)
    ages = [0, LIFETIME_MS // 2, LIFETIME_MS, 2 * LIFETIME_MS]
    assert [raised(verdicts, DAY_MS + age) for age in ages] == pytest.approx([STEP, STEP / 2, 0, 0])
    assert raised(verdicts, at=0) == STEP  # a late reading


def test_only_the_latest_alerts_can_be_judged():
    verdicts = with_alerts(*range(REMEMBERED + 1))
    assert not verdicts.judge(0, 0, DISMISSED, now_ms=0)
    assert verdicts.judge(0, 1, DISMISSED, now_ms=0)


def test_an_alert_that_is_noted_again_keeps_its_verdict():
    verdicts = with_alerts(1, 2)
    verdicts.judge(0, 1, DISMISSED, now_ms=0)
    verdicts.note_alerts(np.array([0]), np.array([1]))
    verdicts.judge(0, 2, DISMISSED, now_ms=0)
    assert raised(verdicts) == 2 * STEP


def bursts(n=3000, every=250, first=1000):
    """Noise with a burst every 250 readings, which is a false alert by agreement."""
    values = np.random.default_rng(4).normal(20, 2, n)
    for number, start in enumerate(range(first, n, every)):
        values[start : start + 5] += 20 + 4 * number
    return values


def batch(values, start, end, key=SERIES):
    numbers = np.arange(start, end)
    zeros = np.zeros(len(numbers))
    return Batch([key] * len(numbers), numbers * 300_000, values[start:end], zeros, numbers, zeros)


def run(values, dismiss, size=50, scorer=None):
    """Thresholds, and the readings that are alerts; each of these is dismissed behind its batch if so wanted."""
    scorer = scorer or Scorer("novelty", alerts_per_week=10)
    thresholds, alerts = [], []
    for start in range(0, len(values), size):
        said = scorer.step(batch(values, start, start + size))
        thresholds += said.thresholds.tolist()
        new = [start + place for place in np.flatnonzero(said.groups == said.episodes) if said.is_anomaly[place]]
        alerts += new
        if dismiss:
            assert scorer.follow([Verdict(SERIES, number * 300_000, True) for number in new]) == []
    return np.array(thresholds), alerts, scorer


def test_dismissed_alerts_become_fewer_and_a_larger_fault_is_still_found():
    values = bursts()
    values[2950:2960] += 500
    _, alerts, _ = run(values, dismiss=False)
    _, fewer, _ = run(values, dismiss=True)
    assert len(fewer) < len(alerts)
    assert any(2950 <= alert < 2960 for alert in fewer)


def test_a_verdict_works_from_the_next_reading_on_and_for_its_own_series_only():
    values, other = bursts(), ("pump-1", "pressure")
    scorer, same = (Scorer("gaussian", alerts_per_week=10) for _ in range(2))
    for each in (scorer, same):
        each.step(batch(values, 0, 1500, other))
        said = each.step(batch(values, 0, 1500))
    (alert, *_) = said.episodes[said.is_anomaly].tolist()[-1:]
    assert scorer.follow([Verdict(SERIES, alert, True)]) == []
    for key, factor in ((SERIES, math.exp(STEP)), (other, 1.0)):
        raised, usual = (each.step(batch(values, 1500, 1501, key)).thresholds for each in (scorer, same))
        assert raised == pytest.approx(usual * factor, rel=1e-3)


def test_a_verdict_on_an_alert_that_never_was_or_of_an_unknown_series_is_given_back_and_changes_nothing():
    _, alerts, scorer = run(bursts(), dismiss=False)
    before = scorer.snapshot()
    unknown = [Verdict(SERIES, 7, True), Verdict(("pump-2", "flow"), alerts[-1] * 300_000, True)]
    assert scorer.follow(unknown) == unknown
    assert scorer.snapshot() == before


def test_a_verdict_on_a_stuck_series_moves_no_threshold():
    values = np.random.default_rng(4).normal(20, 2, 3000)
    values[2000:] = values[2000]
    scorer = Scorer("novelty")
    said = scorer.step(batch(values, 0, 3000))
    stuck = np.unique(said.episodes[said.kinds == AnomalyKind.STUCK])
    begun_stuck = [each for each in stuck.tolist() if said.kinds[each // 300_000] == AnomalyKind.STUCK]
    assert begun_stuck
    verdicts = [Verdict(SERIES, episode, True) for episode in begun_stuck]
    assert scorer.follow(verdicts) == verdicts


def test_verdicts_are_in_the_pages_of_a_snapshot():
    _, _, scorer = run(bursts(), dismiss=True)
    pages = scorer.changed_pages()
    restored = Scorer("novelty", alerts_per_week=10)
    assert restored.restore_pages(pages.get) == []
    assert restored.snapshot() == scorer.snapshot()
    more = batch(bursts(4000), 3000, 3500)
    assert restored.step(more).raises.tolist() == scorer.step(more).raises.tolist() != [0.0] * 500


def test_a_verdict_alone_makes_its_page_a_changed_one():
    _, alerts, scorer = run(bursts(), dismiss=False)
    pages = dict(scorer.changed_pages())
    scorer.follow([Verdict(SERIES, alerts[-1] * 300_000, True)])
    pages |= scorer.changed_pages()
    restored = Scorer("novelty", alerts_per_week=10)
    restored.restore_pages(pages.get)
    assert restored.snapshot() == scorer.snapshot()


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(st.lists(st.builds(Verdict, st.tuples(names, names), st.integers(-(2**63), 2**63 - 1), st.booleans())))
def test_verdicts_come_back_from_the_journal_as_they_went_in(verdicts):
    entry = encode_verdicts(verdicts)
    assert has_verdicts(entry)
    assert decode_verdicts(entry) == verdicts


def test_a_batch_is_no_entry_of_verdicts():
    entry = encode_batch(batch(bursts(), 0, 3))
    assert not has_verdicts(entry)
    with pytest.raises(UnreadableState):
        decode_verdicts(entry)
