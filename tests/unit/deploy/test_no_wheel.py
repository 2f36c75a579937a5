"""The project is installed in its repository, and builds no wheel that would lack half of it."""

import zipfile

import pytest
from hatchling.builders.wheel import WheelBuilder

from stack.layout import REPOSITORY


def test_a_wheel_is_refused_with_the_command_that_installs_instead(tmp_path):
    with pytest.raises(RuntimeError, match=r"not distributed as a wheel.*uv sync --frozen"):
        list(WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"]))
    assert list(tmp_path.iterdir()) == []


def test_the_editable_install_has_the_commands_and_their_entry_points(tmp_path):
    (wheel,) = WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["editable"])
    with zipfile.ZipFile(wheel) as content:
        (entry_points,) = [content.read(each).decode() for each in content.namelist() if "entry_points" in each]
    assert "headrace = headrace.cli.main:app" in entry_points
    assert "[headrace.commands]" in entry_points
