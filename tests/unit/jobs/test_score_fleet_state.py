"""What the scoring operator makes of the state it finds, with Flink's state replaced by two in memory."""

import logging

import pytest

from jobs.operators.score_fleet import ScoreFleet
from models.detectors import NO_EPISODE, Batch, Scorer
from models.detectors.batch_codec import encode_batch
from schemas.anomaly_score import AnomalyScore
from schemas.dead_letter import DeadLetter
from schemas.reading import Reading
from schemas.record import Position
from tests.state_files import N_JOURNAL, N_SNAPSHOT, N, journal_of_today, of_today, readings
from tests.unit.jobs.flink_in_memory import FlinkInMemory, ListInMemory, ValueInMemory
from tests.unit.jobs.micro_batches import gathered_readings, scattered

BUCKET = 3


class Keyed(FlinkInMemory):
    """The state of one bucket."""

    def __init__(self, snapshot=None, journal=()):
        super().__init__(BUCKET, ValueInMemory(snapshot), ListInMemory(journal))

    def started(self, detector="gaussian", snapshot_every=4):
        """An operator after a restart: it knows nothing but what stands in the state."""
        return self.opened(ScoreFleet(detector, snapshot_every, "score_anomalies"))

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


def said_by(scorer, batch):
    scored = scorer.step(batch)
    episodes = [None if episode == NO_EPISODE else episode for episode in scored.episodes.tolist()]
    columns = (scored.scores.tolist(), scored.thresholds.tolist(), scored.is_anomaly.tolist(), episodes)
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
    operator = FailsAt("gaussian", snapshot_every, "score_anomalies")
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
