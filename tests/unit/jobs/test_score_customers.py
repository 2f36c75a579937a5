"""The model that a job scores with, and its change while the job runs."""

import pytest

from headrace.model_store.publishing import publish
from jobs.operators import score_customers
from jobs.operators.score_customers import CurrentModel, NoModel
from models.churn.errors import RefusedModel


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
    with pytest.raises(NoModel, match="headrace train churn"):
        CurrentModel(tmp_path)


def test_a_version_that_is_promoted_scores_from_the_next_look_on(tmp_path, promote, clock):
    promote("one")
    current = CurrentModel(tmp_path, lambda: clock[0])
    promote("two")
    assert current.get() == "one"
    clock[0] = 1.5
    assert current.get() == "two"


@pytest.mark.parametrize("damage", ["bad", "pointer"])
def test_a_model_that_cannot_be_used_leaves_the_old_one_and_is_said_once(tmp_path, promote, clock, caplog, damage):
    promote("one")
    current = CurrentModel(tmp_path, lambda: clock[0])
    promote("bad") if damage == "bad" else (tmp_path / "champion.json").write_text("{")
    for clock[0] in (2.0, 4.0, 6.0):
        assert current.get() == "one"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    promote("three")
    clock[0] = 8.0
    assert current.get() == "three"
