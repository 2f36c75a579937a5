"""The class of Beam's that is changed to listen on loopback; that Flink runs it shows in tests/end_to_end."""

import zipfile

import pytest

from flink.patches import beam_loopback
from flink.patches.beam_loopback import UnknownClass
from stack.flink_distribution import flink_home


@pytest.fixture
def flink_python():
    (jar,) = (flink_home() / "opt").glob("flink-python-*.jar")
    return jar


def test_the_jar_holds_the_installed_class_with_another_call(flink_python, tmp_path):
    beam_loopback.write_jar(flink_python, tmp_path)
    with zipfile.ZipFile(tmp_path / beam_loopback.JAR) as jar, zipfile.ZipFile(flink_python) as original:
        assert jar.namelist() == [beam_loopback.CLASS]
        assert b"forAddress" in jar.read(beam_loopback.CLASS)
        assert b"forAddress" not in original.read(beam_loopback.CLASS)


def test_the_jar_comes_first_on_the_class_path(flink_python):
    assert sorted([flink_python.name, beam_loopback.JAR])[0] == beam_loopback.JAR


def test_another_class_is_refused():
    with pytest.raises(UnknownClass, match="another"):
        beam_loopback.on_its_address(b"\xca\xfe\xba\xbe of another version")
