"""Two runs of drills do not share a folder, and nobody deletes what drills did not make."""

import os

import pytest

from drills.errors import NotOurs
from drills.folder_owner import MARK, FolderOwner

ALIVE = os.getppid()


def test_a_folder_that_is_not_there_is_made_and_may_be_deleted(tmp_path):
    owner = FolderOwner(tmp_path / "drills")
    assert not owner.may_delete()
    owner.claim()
    owner.claim()
    assert owner.may_delete()


def test_a_folder_of_somebody_else_is_neither_used_nor_deleted(tmp_path):
    (tmp_path / "somebody's").touch()
    owner = FolderOwner(tmp_path)
    with pytest.raises(NotOurs, match="holds something else"):
        owner.claim()
    assert not owner.may_delete()


def test_the_folder_of_a_run_that_goes_on_is_not_used(tmp_path):
    (tmp_path / MARK).write_text(str(ALIVE))
    with pytest.raises(NotOurs, match=rf"\(process {ALIVE}\) uses .*--home DIR --port-offset NUMBER"):
        FolderOwner(tmp_path).claim()
    assert not FolderOwner(tmp_path).may_delete()


def test_the_folder_of_a_run_that_ended_is_used_again(tmp_path):
    (tmp_path / MARK).write_text(str(2**22 + 1))  # above the largest pid of Linux
    FolderOwner(tmp_path).claim()
    assert (tmp_path / MARK).read_text() == str(os.getpid())


def test_a_process_that_is_younger_than_the_mark_did_not_write_it(tmp_path):
    (tmp_path / MARK).write_text(str(ALIVE))
    os.utime(tmp_path / MARK, (1, 1))
    FolderOwner(tmp_path).claim()


@pytest.mark.parametrize("content", ["", "by hand"])
def test_a_mark_without_a_process_is_of_nobody_who_lives(tmp_path, content):
    (tmp_path / MARK).write_text(content)
    FolderOwner(tmp_path).claim()
