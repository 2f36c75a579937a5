"""`headrace score` says of a file what the jobs say of it when it is published: bit for bit."""

import pytest

from jobs import clean_telemetry, score_anomalies
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_ANOMALIES,
    TELEMETRY_COMMANDS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_READINGS,
)
from tests.scored_file import (
    SETTINGS,
    require_begun_anew,
    require_same_alerts,
    require_same_scores,
    scored,
    sent,
    written,
)

CLEANED = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, DEAD_LETTERS, TELEMETRY_COMMANDS)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("file") / "load.csv")


@pytest.fixture(scope="module")
def published(file, file_tables):
    """The scores that both jobs make of what is sent of the file."""
    cleaning = file_tables("clean_telemetry", **clean_telemetry.OPTIONS)
    cleaning.raw_source(sent(file))
    for topic in CLEANED:
        cleaning.bytes_sink(topic)
    cleaning.execute(
        clean_telemetry.build(cleaning.tables, SETTINGS, SETTINGS.declared_sources().sources), timeout_s=120
    )
    assert len(cleaning.records(TELEMETRY_DUPLICATES)) == len(cleaning.records(DEAD_LETTERS)) == 1
    scoring = file_tables("score_anomalies")
    scoring.bytes_source("inputs", TELEMETRY_READINGS, cleaning.records(TELEMETRY_READINGS))
    for topic in (TELEMETRY_ANOMALIES, DEAD_LETTERS):
        scoring.bytes_sink(topic)
    scoring.execute(score_anomalies.build(scoring.tables, SETTINGS), timeout_s=120)
    scores = [score for score in scoring.records(TELEMETRY_ANOMALIES) if score.position is not None]
    return sorted(scores, key=lambda score: score.position.offset)


@pytest.fixture(scope="module")
def of_command(file, tmp_path_factory):
    return scored(file, tmp_path_factory.mktemp("scores") / "scores.csv")


def test_every_score_of_a_file_is_the_one_of_the_jobs(published, of_command):
    require_same_scores(of_command[1], published)


def test_the_printed_alerts_are_those_of_the_jobs_with_their_sentences(published, of_command):
    require_same_alerts(of_command[0], published)


def test_a_series_begins_anew_after_its_silence_in_both(published):
    require_begun_anew(published)
