"""`headrace score` says of a file what the jobs' Python makes of it when it is published: all of the way but Flink."""

import pytest

from jobs.operators.micro_batch import micro_batch
from jobs.operators.score_records import ScoreRecords
from jobs.scorer import make_scorer
from schemas.anomaly_score import AnomalyScore
from schemas.reading import Reading
from tests.scored_file import (
    SETTINGS,
    require_begun_anew,
    require_same_alerts,
    require_same_scores,
    scored,
    sent,
    written,
)
from tests.unit.jobs.cleaning.outcomes import cleaned


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("file") / "load.csv")


@pytest.fixture(scope="module")
def published(file):
    readings = [item for item in cleaned(sent(file), SETTINGS.declared_sources().sources) if type(item) is Reading]
    scorer = make_scorer(SETTINGS)
    records = ScoreRecords(scorer.detector_name, scorer.detector_version)
    scores = []
    for first in range(0, len(readings), 300):
        came = micro_batch([reading.model_dump_json().encode() for reading in readings[first : first + 300]])
        scores += [
            AnomalyScore.model_validate_json(record) for _, record in records.write(came, scorer.step(came.readings))
        ]
    return scores


def test_every_score_of_a_file_is_the_one_of_the_stream(file, published, tmp_path):
    lines, rows = scored(file, tmp_path / "scores.csv")
    require_same_scores(rows, published)
    require_same_alerts(lines, published)
    require_begun_anew(published)
    assert lines[-1].endswith(
        "not readings: 8 without a value, 1 repeated, 1 with another value than the first of their time"
    )
