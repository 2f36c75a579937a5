"""Makes a model the champion that streams score with: its folder first, then the pointer (models/champion.py)."""

import shutil
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from models.champion import FOLDER, POINTER, Champion


def publish(root: Path, source: Path, version: str) -> Champion:
    """Make the model of the folder `source` the champion; a version that is there already is only pointed to."""
    target = root / FOLDER / version
    if not target.exists():
        _copy_whole(source, target)
    named = Champion(version=version, folder=f"{FOLDER}/{version}")
    atomic_write_text(root / POINTER, named.model_dump_json() + "\n")
    return named


def _copy_whole(source: Path, target: Path) -> None:
    """Under another name first: what was cut short is never taken for a model."""
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    shutil.copytree(source, partial)
    partial.rename(target)
