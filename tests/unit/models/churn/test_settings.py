"""Settings of a training."""

import tomllib
from pathlib import Path

import pytest

from models.churn.errors import UnusableSettings
from models.churn.settings import TrainingSettings, load_settings

DOCUMENT = Path(__file__).parents[4] / "docs" / "how-to" / "churn.md"


def test_an_option_goes_before_the_file(tmp_path):
    file = tmp_path / "churn.toml"
    file.write_text("trials = 3\nfolds = 4\n[costs]\nmiss = 8\n[steps]\nreduce_to = 5\n")
    settings = load_settings(file, trials=9, folds=None)
    assert (settings.trials, settings.folds, settings.costs.miss, settings.steps.reduce_to) == (9, 4, 8, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [("trials = 0", "trials"), ("trails = 3", "trails"), ("models = ['svm']", "models"), ("trials =", "TOML")],
)
def test_a_setting_that_makes_no_sense_is_named(tmp_path, text, words):
    file = tmp_path / "churn.toml"
    file.write_text(text)
    with pytest.raises(UnusableSettings, match=words):
        load_settings(file)


def test_the_document_shows_every_setting_with_its_default():
    text = DOCUMENT.read_text().split("```toml\n")[1].split("```")[0]
    shown = tomllib.loads(text.replace("# reduce_to", "reduce_to").replace("# jobs", "jobs").replace("# id", "id"))
    assert set(shown) == set(TrainingSettings.model_fields)
    assert set(shown["steps"]) == set(TrainingSettings().steps.model_dump())
    assert shown["steps"].pop("reduce_to") == 10
    assert shown.pop("jobs") == 2
    assert shown.pop("id") == "customer_id"
    assert TrainingSettings(**shown) == TrainingSettings(target="Churn", positive="Yes")


def test_there_are_no_more_processes_than_tasks():
    assert TrainingSettings(jobs=8).jobs_for(3) == 3
    assert TrainingSettings(jobs=2).jobs_for(3) == 2


def test_a_cost_of_the_command_line_leaves_the_other_of_the_file(tmp_path):
    file = tmp_path / "churn.toml"
    file.write_text("[costs]\nmiss = 8\nfalse_alarm = 2\n")
    costs = load_settings(file, costs={"miss": None, "false_alarm": 3.0}).costs
    assert (costs.miss, costs.false_alarm) == (8, 3)
