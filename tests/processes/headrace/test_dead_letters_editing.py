"""Payloads that are changed by a program of the operator: jq, an editor."""

import shutil

import pytest

from headrace.dead_letters.edit import by_editor, by_jq
from headrace.dead_letters.errors import EditFailed


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is optional and not installed")
def test_jq_changes_a_payload():
    assert by_jq(".ts *= 1000")(b'{"ts":1719800000}') == b'{"ts":1719800000000}'


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is optional and not installed")
@pytest.mark.parametrize(
    ("filter_", "payload", "words"),
    [(".", b'{"cut":', "jq refuses"), (".[]", b"[1,2]", "2 results"), ("nonsense(", b"1", "jq refuses")],
)
def test_jq_that_gives_no_one_result_is_refused(filter_, payload, words):
    with pytest.raises(EditFailed, match=words):
        by_jq(filter_)(payload)


def editor(tmp_path, script: str) -> str:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"{path} --wait"


def test_the_editor_is_given_the_bytes_and_its_file_is_what_is_sent(tmp_path):
    edit = by_editor(editor(tmp_path, 'sed -i s/warm/21.4/ "$2"'))
    assert edit(b'{"metric":"t\xff","value":warm}') == b'{"metric":"t\xff","value":21.4}'


def test_a_line_end_that_the_editor_adds_is_no_change(tmp_path):
    assert by_editor(editor(tmp_path, 'echo >> "$2"'))(b"{}") == b"{}"


def test_an_editor_that_fails_changes_nothing(tmp_path):
    with pytest.raises(EditFailed, match="status 3: nothing is changed"):
        by_editor(editor(tmp_path, "exit 3"))(b"{}")


def test_an_editor_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EditFailed, match=r"does not start.*EDITOR"):
        by_editor(str(tmp_path / "none"))(b"{}")


def test_visual_goes_before_editor(tmp_path, monkeypatch):
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'printf 7 > "$2"'))
    monkeypatch.setenv("EDITOR", "false")
    assert by_editor()(b"{}") == b"7"
