"""`headrace train`, `predict` and `model` as a person uses them."""

import csv
import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from headrace.cli import app
from headrace.commands.training_extra import require_training_extra
from headrace.errors import MissingTrainingExtra
from tests.unit.models.churn.customers import customers

CONFIG = "models = ['logistic']\ntrials = 1\nfolds = 2\nrepeats = 1\ninner_folds = 2\nbootstraps = 50\n"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home with one champion, and the table it was trained on."""
    place = tmp_path_factory.mktemp("place")
    customers().to_csv(place / "customers.csv", index=False)
    (place / "churn.toml").write_text(CONFIG)
    trained = train(place, "--promote")
    assert trained.exit_code == 0, trained.output
    return place


def train(place, *options, data="customers.csv"):
    return run("train", "churn", place / data, "--config", place / "churn.toml", "--home", place / "home", *options)


def predict(place, file, *options):
    return run("predict", "churn", file, "--out", place / "scores.csv", "--home", place / "home", *options)


def scores(place):
    with (place / "scores.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_schema_is_shown_with_what_is_not_used_and_why(place):
    shown = train(place, "--schema-only")
    assert shown.exit_code == 0
    assert "not used: customer_id (identifier" in shown.output
    assert "not used: country (constant: 'NL'" in shown.output
    assert re.search(r"total +number +yes", shown.output)


def test_copies_of_customers_are_pointed_out(place):
    table = customers()
    pd.concat([table, table.head(7)]).to_csv(place / "copies.csv", index=False)
    assert (
        "7 rows are copies of another, with its customer_id" in train(place, "--schema-only", data="copies.csv").output
    )


def test_a_file_is_scored_with_identifier_probability_label_and_reasons(place):
    assert "400 rows" in predict(place, place / "customers.csv").output
    first = scores(place)[0]
    assert first["customer_id"] == "C00000"
    assert 0 <= float(first["probability"]) <= 1
    assert first["label"] in ("Yes", "No")
    assert first["reasons"].count(" the risk by ") == 3


def test_a_row_that_cannot_be_scored_says_why_and_the_others_are_scored(place):
    table = customers(5).drop(columns="churn")
    table.loc[2, "bill"] = "a lot"
    table.to_csv(place / "some.csv", index=False)
    assert predict(place, place / "some.csv").exit_code == 0
    refused = scores(place)[2]
    assert (refused["probability"], refused["label"]) == ("", "")
    assert refused["refused"] == "bill is a number and not 'a lot'"
    assert sum(row["probability"] != "" for row in scores(place)) == 4


def test_a_file_without_a_column_of_the_model_is_refused(place):
    customers(5).drop(columns=["bill"]).to_csv(place / "short.csv", index=False)
    shown = predict(place, place / "short.csv")
    assert shown.exit_code == 1
    assert shown.stderr.splitlines()[-1].startswith("✘ Columns are missing: bill.")


def test_a_second_training_is_the_challenger_until_it_is_promoted_and_can_be_taken_back(place):
    assert train(place, "--seed", "8").exit_code == 0
    listed = json.loads(run("model", "ls", "--json", "--home", place / "home").output)["versions"]
    assert [each["aliases"] for each in listed[:2]] == [["challenger"], ["champion"]]
    newer, older = listed[0]["version"], listed[1]["version"]
    said = run("model", "promote", newer, "--home", place / "home").output.splitlines()
    assert said[0] == f"{newer} is champion"
    assert said[1].endswith("headrace churn rescore")
    assert pointer(place) == newer
    assert run("model", "rollback", "--home", place / "home").output.startswith(f"{older} is champion\n")
    assert pointer(place) == older
    assert len(json.loads(run("model", "ls", "--json", "--home", place / "home").output)["champions"]) == 3


def pointer(place):
    return json.loads((place / "home/models/churn/champion.json").read_text())["version"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "Chrn"), "No column 'Chrn'. Say --target with one of: customer_id, country"),
        (("--target", "country"), "'NL' in every row"),
        (("--target", "contract"), "has 3 values"),
        (("--group-by", "sex"), "No column 'sex' to group by"),
        (("--model", "svm"), "models.0: Input should be 'logistic'"),
        (("--config", "folds.toml"), "40 folds of 3 inner folds need 120 rows of each class"),
        (("--keep", "moths"), "No column 'moths' to keep or drop"),
    ],
)
def test_a_training_that_cannot_be_done_says_what_to_change_in_one_line(place, options, words, monkeypatch):
    monkeypatch.chdir(place)
    (place / "folds.toml").write_text("folds = 40")
    shown = train(place, *options)
    assert shown.exit_code == 1
    assert shown.stderr.startswith("✘ ")
    assert words in shown.stderr
    assert len(shown.stderr.strip().splitlines()) == 1


def test_a_file_that_is_not_there_is_one_line(place):
    shown = train(place, data="none.csv")
    assert shown.exit_code == 1
    assert "none.csv cannot be read" in shown.stderr


def test_without_a_champion_predict_says_how_to_make_one(place, tmp_path):
    shown = run("predict", "churn", place / "customers.csv", "--out", tmp_path / "s.csv", "--home", tmp_path)
    assert shown.exit_code == 1
    assert "headrace train churn DATA.csv --promote" in shown.stderr


def test_without_a_registered_model_promote_says_how_to_train_one(tmp_path):
    shown = run("model", "promote", "1", "--home", tmp_path)
    assert shown.exit_code == 1
    assert "headrace train churn DATA.csv" in shown.stderr


def test_without_the_training_extra_one_line_says_how_to_install_it():
    with pytest.raises(MissingTrainingExtra) as raised:
        require_training_extra(["json", "no_such_package"])
    expected = "Training needs no_such_package. Install what it needs:  uv sync --extra train"
    assert str(raised.value) == expected
