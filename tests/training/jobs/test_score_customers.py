"""The model that a job scores with, its change while the job runs, and what the operator makes of a micro-batch."""

from typing import Any

import pytest
from pyflink.common import Row

from flink import framing
from headrace.model_store.publishing import publish
from jobs.operators import score_customers
from jobs.operators.score_customers import CurrentModel, ScoreCustomers
from models.champion import NoChampion
from models.churn.errors import RefusedModel
from schemas.churn_score import ChurnScore
from schemas.dead_letter import DeadLetter
from tests.training.models.churn.exported import exported
from tests.unit.jobs.flink_in_memory import FlinkInMemory
from tests.unit.jobs.micro_batches import scattered
from tests.unit.models.churn.customer_batches import Came, columns


class Model:
    """A folder's name in place of its graph; a folder named bad is no model."""

    @staticmethod
    def load(folder):
        if folder.name == "bad":
            raise RefusedModel("its inputs are not those of its contract")
        return folder.name


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def promote(tmp_path, monkeypatch):
    monkeypatch.setattr(score_customers, "ChurnModel", Model)

    def promote(version):
        (tmp_path / "made").mkdir(exist_ok=True)
        publish(tmp_path, tmp_path / "made", version)

    return promote


def test_without_a_model_the_job_says_how_to_make_one(tmp_path):
    with pytest.raises(NoChampion, match="headrace churn train"):
        CurrentModel(tmp_path)


def test_a_version_that_is_promoted_scores_from_the_next_look_on(tmp_path, promote, clock):
    promote("one")
    current: Any = CurrentModel(tmp_path, lambda: clock[0])
    promote("two")
    assert current.get() == "one"
    clock[0] = 1.5
    assert current.get() == "two"


@pytest.mark.parametrize("damage", ["bad", "pointer"])
def test_a_model_that_cannot_be_used_leaves_the_old_one_and_is_said_once(tmp_path, promote, clock, caplog, damage):
    promote("one")
    current: Any = CurrentModel(tmp_path, lambda: clock[0])
    promote("bad") if damage == "bad" else (tmp_path / "champion.json").write_text("{")
    for clock[0] in (2.0, 4.0, 6.0):
        assert current.get() == "one"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    promote("three")
    clock[0] = 8.0
    assert current.get() == "three"


ROW = b'{"__source_ts_ms":1,"contract":"month","payment":"card","months":3,"bill":80,"total":9}'
SCORED = Came("ann", ROW, 3, 17)
REFUSED = Came("ben", b"{", 3, 18)
USAGE = b'{"customer":"ben","as_of":1,"features":{}}'
TOO_SOON = Came("ben", None, usage=USAGE, is_row=False)


@pytest.fixture(scope="module")
def answers_to(tmp_path_factory):
    """The rows that the operator gives for a micro-batch."""
    root = tmp_path_factory.mktemp("models")
    publish(root, exported(root / "made", "logistic").folder, "one")
    operator = ScoreCustomers(lambda: root, "score_churn")
    operator.open(FlinkInMemory())
    return lambda *records: list(operator.process_element(Row(frame_of(records)), None))


def frame_of(records):
    """As the job's SQL gathers them."""
    return framing.encode([tuple(map(field, record)) for record in zip(*columns(*records), strict=True)])


def field(value):
    if isinstance(value, bool):
        return b"\1" if value else b"\0"
    if isinstance(value, int):
        return value.to_bytes(8, signed=True)
    return value.encode() if isinstance(value, str) else value


def test_scores_leave_with_the_customer_as_their_key(answers_to):
    ((are_dead_letters, *scores),) = answers_to(SCORED)
    ((key, record),) = scattered(scores)
    assert (are_dead_letters, key) == (False, b"ann")
    assert ChurnScore.model_validate_json(record).position.offset == 17


def test_dead_letters_leave_apart_and_name_the_job(answers_to):
    (_, (are_dead_letters, *letters)) = answers_to(SCORED, REFUSED)
    ((key, record),) = scattered(letters)
    letter = DeadLetter.model_validate_json(record)
    assert (are_dead_letters, key, letter.stage, letter.original, letter.replayable) == (
        True,
        b"ben",
        "score_churn",
        b"{",
        False,
    )
    assert (letter.position.topic, letter.position.offset, letter.reason) == ("customers", 18, "not_a_customer")


def test_nothing_leaves_where_there_is_nothing_to_say(answers_to):
    assert answers_to(TOO_SOON) == []
