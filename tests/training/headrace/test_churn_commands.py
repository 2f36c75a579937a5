"""`headrace churn train`, `churn predict` and `model` as a person uses them."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from headrace.cli.main import app
from headrace.cli.training_extra import require_training_extra
from headrace.errors import MissingTrainingExtra
from tests.unit.models.churn.customers import customers

CONFIG = "models = ['logistic']\ntrials = 1\nfolds = 2\nrepeats = 1\ninner_folds = 2\nbootstraps = 50\njobs = 1\n"


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
    return run("churn", "train", place / data, "--config", place / "churn.toml", "--home", place / "home", *options)


def predict(place, file, *options):
    return run("churn", "predict", file, "--out", place / "scores.csv", "--home", place / "home", *options)


def scores(place):
    with (place / "scores.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_schema_is_shown_with_what_is_not_used_and_why(place):
    shown = train(place, "--schema-only")
    assert shown.exit_code == 0
    assert "not used: customer_id (identifier" in shown.output
    assert "not used: country (constant: 'NL'" in shown.output
    assert re.search(r"total +number +yes", shown.output)


def european(n=400):
    """Numbers of accounts, prices with decimal commas, a region NA, first days of months, and words for nothing."""
    draw = np.random.default_rng(2)
    table = customers(n)
    return pd.DataFrame(
        {
            "Kontonummer": draw.permutation(np.arange(n) * 977) + 70_000_000,
            "Vertrag seit": [f"2023-{1 + number % 12:02}-01" for number in range(n)],
            "Preis": table["bill"].str.replace(".", ",") + " €",
            "Region": draw.choice(["EU", "NA", "APAC"], n),
            "Vertrag[Art]": table["contract"],
            "Monate": np.where(np.arange(n) % 9 == 0, "NA", table["months"]),
            "churn": table["churn"].map({"Yes": "ja", "No": "nein"}),
        }
    )


def test_a_european_table_is_read_trained_on_and_scored_under_its_own_identifiers(tmp_path):
    (tmp_path / "churn.toml").write_text(CONFIG)
    table = european()
    table.to_csv(tmp_path / "customers.csv", index=False, sep=";")
    shown = train(tmp_path, "--promote")
    assert shown.exit_code == 0, shown.output
    for said in (
        "not used: Kontonummer (identifier: another value in nearly every row)",
        "customers are named by Kontonummer; for another column:  --id COLUMN",
        "not used: Vertrag seit (date: give the days since it as a number)",
        "is a category; leave a cell empty if it is missing",
        "Monate: 'NA' in 45 rows counts as missing",
    ):
        assert said in shown.output
    assert re.search(r"Preis: '(-?\d+),(\d+) €' is read as \1\.\2", shown.output)
    assert "0 refused" in predict(tmp_path, tmp_path / "customers.csv").output
    written = scores(tmp_path)
    assert [row["Kontonummer"] for row in written] == table["Kontonummer"].astype(str).tolist()
    assert all(row["probability"] for row in written)


def test_the_identifier_can_be_said(place):
    shown = train(place, "--schema-only", "--id", "payment")
    assert "not used: payment (identifier: named with --id)" in shown.output
    assert "customers are named by payment" in shown.output


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


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (customers(5).drop(columns="bill"), "✘ Columns are missing: bill."),
        (customers(0), "✘ {file} has a header and no rows."),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_and_scores_of_before_stay(place, table, words):
    file = place / "unusable.csv"
    (place / "scores.csv").write_text("of before")
    table.to_csv(file, index=False)
    shown = predict(place, file)
    assert shown.exit_code == 1
    assert shown.stderr.splitlines()[-1].startswith(words.format(file=file))
    assert (place / "scores.csv").read_text() == "of before"
    assert not (place / "scores.csv.part").exists()


def test_order_of_columns_and_other_columns_do_not_matter(place):
    table = customers(30)
    table.to_csv(place / "some.csv", index=False)
    predict(place, place / "some.csv")
    expected = scores(place)
    table[table.columns[::-1]].assign(more="x").drop(columns="churn").to_csv(place / "some.csv", sep=";", index=False)
    assert predict(place, place / "some.csv").exit_code == 0
    assert scores(place) == expected


def test_categories_that_the_training_had_not_seen_are_counted(place):
    customers(5).assign(contract=["weekly", "daily", "month", "year", "year"]).to_csv(place / "some.csv", index=False)
    shown = predict(place, place / "some.csv")
    assert "contract: 2 values that the training had not seen" in shown.output
    assert "5 rows" in shown.output


def test_without_identifier_rows_are_numbered_through_the_parts(place):
    table = pd.concat([customers(400)] * 26).drop(columns="customer_id")
    table.to_csv(place / "many.csv", index=False)
    assert "10,400 rows" in predict(place, place / "many.csv").output
    assert [int(row["customer_id"]) for row in scores(place)] == list(range(1, 10_401))


def test_predict_needs_no_training_library(place):
    absent = "dict.fromkeys(('sklearn', 'lightgbm', 'optuna', 'onnx', 'matplotlib', 'mlflow'))"
    code = f"import sys; sys.modules.update({absent}); from headrace.cli.main import app; app()"
    options = ["--out", place / "scores.csv", "--home", place / "home"]
    command = [sys.executable, "-c", code, "churn", "predict", place / "customers.csv", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "400 rows" in done.stdout, done.stderr


def test_scores_that_cannot_be_written_are_one_line(place):
    shown = run("churn", "predict", place / "customers.csv", "--out", place / "no/scores.csv", "--home", place / "home")
    assert shown.exit_code == 1
    assert shown.stderr.splitlines()[-1].endswith("scores.csv cannot be written: No such file or directory")


def test_a_folder_that_cannot_be_written_is_said_before_the_training(place):
    shown = train(place, "--out", place / "customers.csv")
    assert shown.exit_code == 1
    assert "customers.csv is not a folder that can be written to" in shown.stderr
    assert "of 5" not in shown.stderr


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
        (("--target", "Chrn"), "No column 'Chrn'. Name it with --target: customer_id, country"),
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
    shown = run("churn", "predict", place / "customers.csv", "--out", tmp_path / "s.csv", "--home", tmp_path)
    assert shown.exit_code == 1
    assert "headrace churn train DATA.csv --promote" in shown.stderr


def test_without_a_registered_model_promote_says_how_to_train_one(tmp_path):
    shown = run("model", "promote", "1", "--home", tmp_path)
    assert shown.exit_code == 1
    assert "headrace churn train DATA.csv" in shown.stderr


def test_without_the_training_extra_one_line_says_how_to_install_it():
    with pytest.raises(MissingTrainingExtra) as raised:
        require_training_extra(["json", "no_such_package"])
    expected = "Training needs no_such_package. Install what it needs:  uv sync --extra train"
    assert str(raised.value) == expected
