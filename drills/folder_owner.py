"""Whose the folder of the drills' stack is: of the run that marked it, for as long as its process lives."""

import os
from pathlib import Path

import psutil

from drills.errors import NotOurs

MARK = "drills-own-this-folder"


class FolderOwner:
    """A folder, with this process as its owner.

    Parameters
    ----------
    folder
        It need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = folder / MARK

    def claim(self) -> None:
        """Make the folder, and mark it.

        Raises
        ------
        NotOurs
            When it has something else in it, or another run of drills uses it.
        """
        if not self._mark.exists() and self._folder.exists() and any(self._folder.iterdir()):
            raise NotOurs(f"{self._folder} holds something else. Name an empty folder:  headrace drill run --home DIR")
        if (other := self._other_run()) is not None:
            raise NotOurs(
                f"Another `headrace drill run` (process {other}) uses {self._folder}. Wait for it, or give this one a "
                "folder and ports of its own:  headrace drill run --home DIR --port-offset NUMBER"
            )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._mark.write_text(str(os.getpid()))

    def may_delete(self) -> bool:
        """Whether drills made the folder, and no other run uses it."""
        return self._mark.exists() and self._other_run() is None

    def _other_run(self) -> int | None:
        """The process that wrote the mark, if it lives: one that is younger than the mark has its number by chance."""
        written = self._mark.read_text() if self._mark.exists() else ""
        if not written.isdecimal() or int(written) == os.getpid():
            return None
        try:
            lives = psutil.Process(int(written)).create_time() <= self._mark.stat().st_mtime
        except psutil.NoSuchProcess:
            return None
        return int(written) if lives else None
