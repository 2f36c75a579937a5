"""A server on a disk of a given size, for the length of a drill."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drills.context import Context
from drills.errors import NotPrepared

ROOM_BYTES = 64 * 2**20
"""Of the small disk, beyond what the server holds already."""


@contextmanager
def on_a_small_disk(context: Context, server: str) -> Iterator[Path]:
    """The server with the same data on a disk in memory that has little room left; gives its folder. Needs root."""
    folder = context.environment.layout.home / server
    aside = folder.with_name(f"{server}-aside")
    context.stop(server)
    folder.rename(aside)
    folder.mkdir()
    size = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file()) + ROOM_BYTES
    _system("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        context.start(server)
        yield folder
    finally:
        context.stop(server)
        shutil.rmtree(aside)
        shutil.copytree(folder, aside)
        _system("umount", str(folder))
        folder.rmdir()
        aside.rename(folder)
        context.start(server)


def fill(folder: Path) -> Path:
    """Takes all room that is left on the folder's disk; gives the file to delete afterwards."""
    path = folder / "filler"
    with path.open("wb") as filler:
        try:
            while True:
                os.write(filler.fileno(), bytes(2**20))
        except OSError:  # no space left on device: full, as wanted
            return path


def why_no_mount() -> str:
    """Why this user cannot mount a small disk; empty where they can."""
    return "" if os.geteuid() == 0 else "a small disk is mounted for it, which needs root"


def _system(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotPrepared(f"{' '.join(command)}: {done.stderr.strip()}")
