"""The champion's pointer names a whole folder at any time."""

import pytest

from headrace.model_store.publishing import publish
from models.champion import POINTER, Champion, UnreadablePointer, champion


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "model.onnx").write_text("one")
    return folder


def test_before_the_first_there_is_none(tmp_path):
    assert champion(tmp_path) is None


def test_the_pointer_names_a_copy_of_the_model(tmp_path, source):
    published = publish(tmp_path, source, "v1")
    assert champion(tmp_path) == published == Champion(version="v1", folder="champion/v1")
    assert (tmp_path / published.folder / "model.onnx").read_text() == "one"


def test_an_earlier_version_is_pointed_to_again_and_not_written_anew(tmp_path, source):
    publish(tmp_path, source, "v1")
    publish(tmp_path, source, "v2")
    (source / "model.onnx").write_text("other")
    publish(tmp_path, source, "v1")
    assert champion(tmp_path).version == "v1"
    assert (tmp_path / "champion/v1/model.onnx").read_text() == "one"


def test_what_an_interrupted_copy_left_is_no_model(tmp_path, source):
    partial = tmp_path / "champion" / ".v1.partial"
    partial.mkdir(parents=True)
    (partial / "half").write_text("")
    publish(tmp_path, source, "v1")
    assert [file.name for file in (tmp_path / "champion/v1").iterdir()] == ["model.onnx"]
    assert not partial.exists()


@pytest.mark.parametrize("text", ["", "{}", '{"version":"v1","folder":"champion/v9"}'])
def test_a_pointer_that_says_nothing_of_use_is_an_error(tmp_path, text):
    (tmp_path / POINTER).write_text(text)
    with pytest.raises(UnreadablePointer):
        champion(tmp_path)
