"""What the scoring operator makes of the state it finds, with Flink's state replaced by two in memory."""

import logging
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from flink import framing
from jobs.operators.score_fleet import COLUMNS, RECORD, ScoreFleet
from models.detectors import NO_EPISODE, Batch, Scorer
from models.detectors.batch_codec import encode_batch
from models.detectors.scorer import BUCKET as BUCKET_PAGE
from models.detectors.series_index import PAGE_SERIES
from schemas.alert_verdict import AlertVerdict
from schemas.anomaly_score import AnomalyScore
from schemas.dead_letter import DeadLetter
from schemas.reading import Reading
from schemas.record import Position
from tests.state_files import N_JOURNAL, N_SNAPSHOT, N, journal_of_today, of_today, readings
from tests.unit.jobs.flink_in_memory import FlinkInMemory, ListInMemory, MapInMemory, ValueInMemory
from tests.unit.jobs.micro_batches import gathered, gathered_readings, scattered

BUCKET = 3

OFTEN = {"alerts_per_week": 1000}


class Keyed(FlinkInMemory):
    """The state of one bucket; `snapshot` is one in one piece, as release 0.1 kept it."""

    def __init__(self, snapshot=None, journal=()):
        super().__init__(BUCKET, ValueInMemory(snapshot), ListInMemory(journal))
        self.pages = MapInMemory()

    def get_map_state(self, _):
        return self.pages

    def started(self, detector="gaussian", snapshot_every=4, **settings):
        """An operator after a restart: it knows nothing but what stands in the state."""
        return self.opened(ScoreFleet(partial(Scorer, detector, **settings), snapshot_every, "score_anomalies"))

    def unreadable(self):
        return self.counters["states_unreadable"].count


def scores(operator, keyed, *batches):
    """Score, threshold, flag and episode of each reading."""
    said = []
    for batch in batches:
        for row in operator.process_element(row_of(batch), keyed):
            records = (AnomalyScore.model_validate_json(record) for _, record in scattered(row[1:]))
            said += [(record.score, record.threshold, record.is_anomaly, record.episode) for record in records]
    return said


def row_of(batch):
    columns = (batch.event_times, batch.values, batch.partitions, batch.offsets, batch.items)
    rows = zip(batch.keys, *(column.tolist() for column in columns), strict=True)
    records = (
        Reading(
            device=device, metric=metric, event_time=event_time, value=value,
            position=Position(topic="telemetry.raw", partition=partition, offset=offset, item=item, items=item + 1),
        )
        for (device, metric), event_time, value, partition, offset, item in rows
    )  # fmt: skip
    return gathered_readings([record.model_dump_json().encode() for record in records], int(batch.offsets[0]))


def or_none(column):
    return np.where(np.isnan(column), None, column).tolist()


def said_by(scorer, batch):
    scored = scorer.step(batch)
    episodes = [None if episode == NO_EPISODE else episode for episode in scored.episodes.tolist()]
    columns = (or_none(scored.scores), or_none(scored.thresholds), scored.is_anomaly.tolist(), episodes)
    return list(zip(*columns, strict=True))


def said_cold(batch):
    return said_by(Scorer("gaussian"), batch)


def of_a_newer_version():
    class Newer(Scorer):
        version = Scorer.version + 1

    return Newer("gaussian").snapshot()


def batch_of_a_newer_version(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("models.detectors.batch_codec.VERSION", 99)
        return encode_batch(readings(0, 10))


def minutes_apart(start, end):
    """`readings`, a minute apart and not a millisecond: alerts are in groups of their own."""
    batch = readings(start, end)
    return replace(batch, event_times=1_764_000_000_000 + 60_000 * batch.offsets)


def frame_of(batch, *verdicts):
    """Readings, and verdicts behind them, in one micro-batch."""
    frame = framing.fields(row_of(batch))
    values = frame[RECORD::COLUMNS]
    return gathered([*values, *verdicts], [False] * len(values) + [True] * len(verdicts), int(batch.offsets[0]))


def verdict(episode, ruling="dismissed", device="pump-1"):
    said = AlertVerdict(device=device, metric="flow", episode=episode, verdict=ruling, decided_at=0)
    return said.model_dump_json().encode()


def thresholds(operator, keyed, frame):
    """Device, threshold and raise of each reading."""
    found = []
    for row in operator.process_element(frame, keyed):
        records = (AnomalyScore.model_validate_json(record) for _, record in scattered(row[1:]))
        found += [(each.device, each.threshold, each.threshold_raise) for each in records]
    return found


def an_alert_of_pump_1(operator, keyed):
    """The event time of its latest alert."""
    alerts = []
    for part in [minutes_apart(start, start + 50) for start in range(0, N_JOURNAL, 50)]:
        for row in operator.process_element(row_of(part), keyed):
            records = [AnomalyScore.model_validate_json(record) for _, record in scattered(row[1:])]
            alerts += [each.event_time for each in records if each.group is not None and each.device == "pump-1"]
    return alerts[-1]


def test_a_verdict_raises_the_threshold_of_the_readings_behind_its_micro_batch():
    keyed = Keyed()
    operator = keyed.started(**OFTEN)
    alert = an_alert_of_pump_1(operator, keyed)
    beside = thresholds(operator, keyed, frame_of(minutes_apart(N_JOURNAL, N_JOURNAL + 10), verdict(alert)))
    assert {raised for *_, raised in beside} == {None}
    behind = thresholds(operator, keyed, row_of(minutes_apart(N_JOURNAL + 10, N_JOURNAL + 20)))
    raised = {device: factor for device, _, factor in behind}
    assert raised["pump-0"] is None
    assert raised["pump-1"] == pytest.approx(1.2, rel=1e-3)


def test_a_verdict_comes_without_readings_too():
    keyed = Keyed()
    operator = keyed.started(**OFTEN)
    alert = an_alert_of_pump_1(operator, keyed)
    assert list(operator.process_element(gathered([verdict(alert)], [True]), keyed)) == []
    found = thresholds(operator, keyed, row_of(minutes_apart(N_JOURNAL, N_JOURNAL + 10)))
    assert {device for device, _, raised in found if raised} == {"pump-1"}


@pytest.mark.parametrize("snapshot_every", [1, 3, 1000])
def test_a_restart_keeps_verdicts(snapshot_every):
    keyed, unbroken = Keyed(), Keyed()
    found = []
    for state, is_restarted in ((keyed, True), (unbroken, False)):
        operator = state.started(snapshot_every=snapshot_every, **OFTEN)
        alert = an_alert_of_pump_1(operator, state)
        list(operator.process_element(gathered([verdict(alert)], [True]), state))
        if is_restarted:
            operator = state.started(snapshot_every=snapshot_every, **OFTEN)
        found.append(thresholds(operator, state, row_of(minutes_apart(N_JOURNAL, N))))
    assert found[0] == found[1]
    assert any(raised for *_, raised in found[0])


def test_verdicts_of_unknown_alerts_and_such_that_cannot_be_read_are_counted_and_change_nothing():
    keyed, usual = Keyed(), Keyed()
    operator = keyed.started(**OFTEN)
    alert = an_alert_of_pump_1(operator, keyed)
    ignored = [verdict(7), verdict(alert, device="pump-9"), b"no JSON", b"{}", None]
    list(operator.process_element(gathered(ignored, [True] * len(ignored)), keyed))
    assert keyed.counters["verdicts_ignored"].count == len(ignored)
    other = usual.started(**OFTEN)
    an_alert_of_pump_1(other, usual)
    assert thresholds(operator, keyed, row_of(minutes_apart(N_JOURNAL, N))) == thresholds(
        other, usual, row_of(minutes_apart(N_JOURNAL, N))
    )


def test_alerts_over_the_budget_of_their_device_are_counted():
    keyed = Keyed()
    make_scorer = partial(Scorer, "gaussian", alerts_per_week=1000, device_groups_per_week=1)
    operator = keyed.opened(ScoreFleet(make_scorer, 4, "score_anomalies"))
    over = 0
    for part in [minutes_apart(start, start + 50) for start in range(0, N, 50)]:
        for row in operator.process_element(row_of(part), keyed):
            records = [AnomalyScore.model_validate_json(record) for _, record in scattered(row[1:])]
            over += sum(each.over_budget is True for each in records)
    assert keyed.counters["alerts_over_budget"].count == over > 0


THEN = readings(N_JOURNAL, N)
PARTS = [readings(start, start + 50) for start in range(N_JOURNAL, N, 50)]


def test_a_stored_snapshot_and_journal_are_continued_from():
    keyed = Keyed(of_today("gaussian").read(), [journal_of_today().read_bytes()])
    unbroken = Scorer("gaussian")
    unbroken.step(readings(0, N_JOURNAL))

    operator = keyed.started()

    assert scores(operator, keyed, THEN) == said_by(unbroken, THEN)
    assert keyed.unreadable() == 0


@pytest.mark.parametrize("cut_after", range(1, 8))
def test_a_restart_after_any_micro_batch_changes_no_score(cut_after):
    keyed, uncut = Keyed(), Keyed()
    before = scores(keyed.started(), keyed, *PARTS[:cut_after])
    after = scores(keyed.started(), keyed, *PARTS[cut_after:])
    assert before + after == scores(uncut.started(), uncut, *PARTS)


def test_a_snapshot_of_a_newer_version_starts_cold_is_counted_and_logged(caplog):
    keyed = Keyed(of_a_newer_version(), [journal_of_today().read_bytes()])
    operator = keyed.started()

    with caplog.at_level(logging.WARNING):
        assert scores(operator, keyed, THEN) == said_cold(THEN)

    assert keyed.unreadable() == 1
    assert f"bucket {BUCKET} starts cold" in caplog.text
    assert f"scorer version {Scorer.version + 1}, this code reads scorer version {Scorer.version}" in caplog.text


def test_a_journal_of_a_newer_version_starts_cold_too(monkeypatch):
    keyed = Keyed(of_today("gaussian").read(), [batch_of_a_newer_version(monkeypatch)])
    operator = keyed.started()
    assert scores(operator, keyed, THEN) == said_cold(THEN)
    assert keyed.unreadable() == 1


def test_a_cold_start_replaces_what_could_not_be_read_so_that_the_next_start_is_warm():
    keyed = Keyed(of_a_newer_version(), [journal_of_today().read_bytes()])
    first, *then = PARTS
    scores(keyed.started(), keyed, first)

    after_restart = scores(keyed.started(), keyed, *then)

    assert keyed.unreadable() == 0
    unbroken = Scorer("gaussian")
    unbroken.step(first)
    assert after_restart == [said for part in then for said in said_by(unbroken, part)]


def test_state_of_another_detector_starts_cold():
    keyed = Keyed(of_today("half-space-trees").read())
    assert scores(keyed.started(), keyed, THEN) == said_cold(THEN)
    assert keyed.unreadable() == 1


def test_readings_that_the_stored_state_has_seen_come_out_no_second_time():
    keyed = Keyed(of_today("gaussian").read())
    assert scores(keyed.started(), keyed, readings(0, N_SNAPSHOT)) == []
    assert keyed.counters["readings_replayed"].count == N_SNAPSHOT


def test_a_snapshot_in_one_piece_is_replaced_by_pages():
    keyed = Keyed(of_today("gaussian").read(), [journal_of_today().read_bytes()])
    unbroken = Scorer("gaussian")
    unbroken.step(readings(0, N_JOURNAL))

    before = scores(keyed.started(), keyed, *PARTS[:4])
    assert sorted(keyed.pages.entries) == [BUCKET_PAGE, 0]
    assert keyed.snapshot.value() is None

    after = scores(keyed.started(), keyed, *PARTS[4:])
    assert before + after == said_by(unbroken, THEN)
    assert keyed.unreadable() == 0


def many_series(start):
    """One reading of each of three pages of series."""
    n = 3 * PAGE_SERIES
    offsets = start + np.arange(n)
    keys = [(f"pump-{number}", "flow") for number in range(n)]
    return Batch(keys, 1_764_000_000_000 + offsets, offsets * 7919 % 1009 / 100, np.zeros(n), offsets, np.zeros(n))


def of_one_page(batch, page):
    places = slice(page * PAGE_SERIES, (page + 1) * PAGE_SERIES)
    columns = (batch.event_times, batch.values, batch.partitions, batch.offsets, batch.items)
    return Batch(batch.keys[places], *(column[places] for column in columns))


class CountingMap(MapInMemory):
    """Notes which entries are put."""

    def __init__(self):
        super().__init__()
        self.puts = []

    def put(self, key, value):
        super().put(key, value)
        self.puts.append(key)


def test_a_snapshot_writes_no_page_of_silent_series():
    keyed = Keyed()
    keyed.pages = CountingMap()
    operator = keyed.started(snapshot_every=1)
    scores(operator, keyed, many_series(0))
    assert keyed.pages.puts == [BUCKET_PAGE, 0, 1, 2]
    keyed.pages.puts.clear()
    scores(operator, keyed, of_one_page(many_series(10_000), 1))
    assert keyed.pages.puts == [BUCKET_PAGE, 1]


def test_a_damaged_page_is_counted_and_logged_and_takes_no_other_along(caplog):
    keyed = Keyed()
    scores(keyed.started(snapshot_every=1), keyed, *(many_series(10_000 * n) for n in range(120)))
    keyed.pages.entries[1] = keyed.pages.entries[1][:-1]
    then = many_series(9_000_000)
    with caplog.at_level(logging.WARNING):
        said = scores(keyed.started(snapshot_every=1), keyed, then)
    assert keyed.unreadable() == 1
    assert f"bucket {BUCKET} starts cold in part, unreadable pages: 1: state is damaged" in caplog.text
    unbroken = Scorer("gaussian")
    for n in range(120):
        unbroken.step(many_series(10_000 * n))
    expected = said_by(unbroken, then)
    expected[PAGE_SERIES : 2 * PAGE_SERIES] = said_cold(of_one_page(then, 1))
    assert said == expected

    scores(keyed.started(snapshot_every=1), keyed, many_series(9_100_000))
    assert keyed.unreadable() == 0


def test_pages_of_another_detector_start_cold_and_are_replaced():
    keyed = Keyed()
    scores(keyed.started("half-space-trees", snapshot_every=1), keyed, many_series(0))
    first, *then = PARTS
    assert scores(keyed.started(), keyed, first) == said_cold(first)
    assert keyed.unreadable() == 1
    assert sorted(keyed.pages.entries) == [BUCKET_PAGE, 0]
    keyed.started()
    scores(keyed.started(), keyed, *then)
    assert keyed.unreadable() == 0


def test_a_damaged_journal_starts_the_whole_bucket_cold():
    keyed = Keyed()
    scores(keyed.started(snapshot_every=3), keyed, *PARTS[:5])
    keyed.journal.add(b"damaged")
    assert scores(keyed.started(), keyed, PARTS[5]) == said_cold(PARTS[5])
    assert keyed.unreadable() == 1


class FailsAt(ScoreFleet):
    """Raises behind the step of every batch that has the reading at this offset: the Scorer has learned it by then."""

    offset = 0

    def _score(self, frame):
        scored = super()._score(frame)
        if self.offset in scored[0].offsets.tolist():
            raise ArithmeticError("no such value")
        return scored


@pytest.mark.parametrize("snapshot_every", [1, 3, 4])
def test_a_reading_on_which_the_scorer_raises_is_a_dead_letter_and_changes_no_other_score(snapshot_every):
    keyed = Keyed()
    operator = FailsAt(partial(Scorer, "gaussian"), snapshot_every, "score_anomalies")
    operator.offset = PARTS[1].offsets[7]
    keyed.opened(operator)
    rows = [row for part in PARTS[:4] for row in operator.process_element(row_of(part), keyed)]
    (letter,) = (DeadLetter.model_validate_json(record) for row in rows if row[0] for _, record in scattered(row[1:]))
    said = [AnomalyScore.model_validate_json(record) for row in rows if not row[0] for _, record in scattered(row[1:])]

    whole = readings(N_JOURNAL, N_JOURNAL + 200)
    kept = [place for place, offset in enumerate(whole.offsets.tolist()) if offset != operator.offset]
    columns = (whole.event_times, whole.values, whole.partitions, whole.offsets, whole.items)
    without = Batch([whole.keys[place] for place in kept], *(column[kept] for column in columns))
    assert [(each.score, each.threshold, each.is_anomaly, each.episode) for each in said] == said_cold(without)
    assert (letter.reason, letter.device, letter.position.offset) == ("quarantined", "pump-1", operator.offset)
    assert Reading.model_validate_json(letter.original).position.offset == operator.offset
    assert keyed.counters["quarantined"].count == 1
