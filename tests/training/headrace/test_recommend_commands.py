"""`headrace recommend train` and `headrace model` as a person uses them."""

import json

import pytest
from typer.testing import CliRunner

from headrace.cli.main import app
from models.recommend.onnx_model import RecommendModel
from tests.unit.models.recommend.shop import chains


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home with one champion, and the file it was trained on."""
    place = tmp_path_factory.mktemp("place")
    events = chains()
    columns = zip(events.users, events.items, events.times_s, strict=True)
    # Those of the shop are seconds from 0 on, which no file may have.
    lines = [f"{events.user_names[user]},{events.item_names[item]},{1.7e9 + time_s}" for user, item, time_s in columns]
    (place / "interactions.csv").write_text("\n".join(["user,item,event_time", *lines]))
    names = events.item_names
    (place / "items.csv").write_text("\n".join(["item,chain", *[f"{name},{name.split('-')[0]}" for name in names]]))
    return place


def train(place, *options):
    return run("recommend", "train", place / "interactions.csv", "--home", place / "home", *options)


def test_a_trained_recommender_is_evaluated_registered_and_promoted(place):
    trained = train(place, "--items", place / "items.csv", "--promote", "--out", place / "out")
    assert trained.exit_code == 0, trained.output
    for said in ("prequential", "leave last out", "time split", "popularity", "hybrid", "Graph and model agree"):
        assert said in trained.output
    version = RecommendModel.load(place / "out").contract.version
    assert f"{version} is champion" in trained.output
    evaluation = json.loads((place / "out" / "evaluation.json").read_text())
    assert set(evaluation["prequential"]) == {"popularity", "hybrid"}

    listed = run("model", "ls", "--name", "recommend", "--home", place / "home", "--json")
    (only,) = json.loads(listed.output)["versions"]
    assert only["aliases"] == ["champion"]
    assert only["figures"]["prequential_recall"] == evaluation["prequential"]["hybrid"]["recall"]
    pointer = json.loads((place / "home" / "models" / "recommend" / "champion.json").read_text())
    assert pointer["version"] == version
    assert RecommendModel.load(place / "home" / "models" / "recommend" / pointer["folder"])


def test_without_items_every_other_model_can_be_compared_and_any_exported(place):
    trained = train(place, "--compare", "--model", "ease")
    assert trained.exit_code == 0, trained.output
    for name in ("popularity", "co-visitation", "item-knn", "ease", "factors", "hybrid"):
        assert name in trained.output
    assert "content" not in trained.output
    assert "is challenger" in trained.output


def test_a_model_that_cannot_be_made_is_refused_with_those_that_can(place):
    refused = train(place, "--model", "content")
    assert refused.exit_code == 2
    assert "hybrid" in refused.output


def test_a_file_of_no_use_is_said_in_one_line(place):
    refused = run("recommend", "train", place / "items.csv", "--home", place / "home")
    assert refused.exit_code != 0
    assert "no column 'user'" in str(refused.exception) + refused.output


def test_a_name_that_no_model_has_is_refused(place):
    assert run("model", "ls", "--name", "weather", "--home", place / "home").exit_code == 2
