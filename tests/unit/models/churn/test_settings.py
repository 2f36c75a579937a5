"""Settings of a training."""

import pytest

from models.churn.errors import UnusableSettings
from models.churn.settings import load_settings


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
