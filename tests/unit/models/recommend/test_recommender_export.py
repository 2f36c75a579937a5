"""The graph scores and lists as the model does, and the gate sees when it does not."""

import json

import numpy as np
import pytest

from models.onnx_session import session_of
from models.recommend.artifact import N_RECOMMENDED, export
from models.recommend.catalogue import RECOMMENDERS
from models.recommend.co_visitation import CoVisitation
from models.recommend.errors import ExportDiffers, RefusedRecommender
from models.recommend.evaluation.protocols import learn_all
from models.recommend.gate import pass_gate
from models.recommend.history import SESSION_S
from models.recommend.onnx_graph import graph
from models.recommend.onnx_model import CONTRACT_FILE, MODEL_FILE, RecommendModel, padded
from tests.unit.models.recommend.shop import chains, history, words

EVENTS = chains()


def learned(name, events=EVENTS):
    model = RECOMMENDERS[name](len(events.item_names), words(events))
    learn_all(model, events)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("model")
    export(learned("hybrid"), EVENTS, {}, made, "v1")
    return made


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_every_recommender_passes_the_gate(name, tmp_path):
    made = export(learned(name), EVENTS, {"figure": 1.0}, tmp_path / "model", "v1")
    assert made.gate.histories > 250
    assert made.gate.largest_difference < 1e-4
    assert json.loads((tmp_path / "model" / "gate.json").read_text()) == made.gate.as_json()
    assert RecommendModel.load(tmp_path / "model").contract.kind == name


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_a_model_that_has_learned_nothing_can_be_exported_too(name):
    model = RECOMMENDERS[name](30, [frozenset()] * 30)
    assert pass_gate(model, session_of(graph(model, 10)), [], 1).largest_difference == 0


def test_a_model_that_scores_otherwise_than_its_parts_is_refused_and_nothing_is_written(tmp_path):
    class Backwards(CoVisitation):
        def score(self, history):
            return super().score(history._replace(items=history.items[::-1]))

    model = Backwards(len(EVENTS.item_names))
    learn_all(model, EVENTS)
    with pytest.raises(ExportDiffers, match="on the history"):
        export(model, EVENTS, {}, tmp_path / "model", "v1")
    assert not (tmp_path / "model").exists()


def test_the_gate_refuses_a_graph_that_lists_what_was_seen():
    model = learned("hybrid")
    session = session_of(graph(model, 10))

    class Forgetful:
        def run(self, names, inputs):
            *_, all_scores = session.run(names, inputs)
            best = np.argsort(-all_scores, axis=1)[:, :10]
            return best, np.take_along_axis(all_scores, best, axis=1), all_scores

    with pytest.raises(ExportDiffers, match="lists other items"):
        pass_gate(model, Forgetful(), [], 1)


def test_the_gate_refuses_scores_that_are_no_numbers():
    model = learned("co-visitation")
    session = session_of(graph(model, 10))

    class Broken:
        def run(self, names, inputs):
            items, scores, all_scores = session.run(names, inputs)
            return items, scores, all_scores * np.nan

    with pytest.raises(ExportDiffers):
        pass_gate(model, Broken(), [], 1)


def test_rows_of_a_batch_do_not_touch_each_other():
    session = session_of(graph(learned("hybrid"), 10))
    batch = [history(), history(3), history(*range(12)), history(7, 3, idle_s=2 * SESSION_S)]
    together = session.run(["items", "all_scores"], padded(batch))
    for row, each in enumerate(batch):
        items, scores = session.run(["items", "all_scores"], padded([each]))
        assert items[0].tolist() == together[0][row].tolist()
        np.testing.assert_allclose(scores[0], together[1][row], rtol=1e-5)


def test_a_list_goes_on_with_the_chain_and_leaves_out_what_was_taken(folder):
    model = RecommendModel.load(folder)
    (listed,) = model.recommend([["item2-0", "item2-1", "item2-2"]], [10.0])
    names = [each.item for each in listed]
    assert names[0] == "item2-3"
    assert not {"item2-0", "item2-1", "item2-2"} & set(names)
    assert len(names) == min(N_RECOMMENDED, len(EVENTS.item_names) - 3)
    assert sorted((each.score for each in listed), reverse=True) == [each.score for each in listed]


def test_what_is_chosen_for_a_history_is_the_list_for_a_user_who_is_there(folder):
    model = RecommendModel.load(folder)
    for taken in (["item2-0", "unknown", "item2-1"], [], list(model.contract.items)):
        (listed,) = model.recommend([taken], [0.0])
        assert model.choose(taken) == [each.item for each in listed]
    assert model.choose(list(model.contract.items)) == []


def test_strangers_get_what_is_popular_and_unknown_items_are_left_out(folder):
    model = RecommendModel.load(folder)
    cold, unknown, twice, once = model.recommend(
        [[], ["never seen"], ["item1-2", "item1-1", "item1-2"], ["item1-1", "item1-2"]], [np.inf, np.inf, 1.0, 1.0]
    )
    assert cold == unknown
    assert twice == once
    assert model.recommend([], []) == []


@pytest.mark.parametrize("file", [MODEL_FILE, CONTRACT_FILE])
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_a_damaged_folder_is_refused(folder, tmp_path, file, content):
    for name in (MODEL_FILE, CONTRACT_FILE):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    with pytest.raises(RefusedRecommender):
        RecommendModel.load(tmp_path)


def test_a_contract_of_other_items_is_refused(folder, tmp_path):
    contract = json.loads((folder / CONTRACT_FILE).read_text())
    contract["items"] = contract["items"][:-1]
    (tmp_path / CONTRACT_FILE).write_text(json.dumps(contract))
    (tmp_path / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes())
    with pytest.raises(RefusedRecommender, match="not that of the contract"):
        RecommendModel.load(tmp_path)
