"""Versions, aliases and the history of champions, in MLflow's own SQLite store."""

import pytest

from models.registry import NotRegistered, Registry


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    (made / "model.onnx").write_text("weights")
    return made


def test_a_new_version_is_the_challenger_with_its_figures_and_files(registry, folder):
    made = registry.register("churn", folder, "v1", {"roc_auc": 0.8})
    assert (made.number, made.version, made.aliases, made.figures) == ("1", "v1", ("challenger",), {"roc_auc": 0.8})
    assert (registry.download("churn", "1") / "model.onnx").read_text() == "weights"


def test_champions_are_found_by_alias_and_kept_in_the_history(registry, folder):
    for version in ("v1", "v2"):
        registry.register("churn", folder, version, {})
        registry.set_champion("churn", registry.one("churn", version).number)
    assert registry.one("churn", "champion").version == "v2"
    assert registry.champion_before("churn").version == "v1"
    assert [reign.number for reign in registry.history("churn")] == ["1", "2"]
    assert registry.one("churn", "v1").aliases == ()


def test_what_is_not_there_is_said_with_the_next_step(registry, folder):
    with pytest.raises(NotRegistered, match="headrace churn train"):
        registry.versions("churn")
    registry.register("churn", folder, "v1", {})
    with pytest.raises(NotRegistered, match="no version 'v9'"):
        registry.one("churn", "v9")
    registry.set_champion("churn", "1")
    with pytest.raises(NotRegistered, match="no other champion"):
        registry.champion_before("churn")
