"""What a plain loop keeps on disk, so that it can go on after a crash: its models and how far it had read."""

import os
import pickle
from pathlib import Path
from typing import Any

Models = dict[str, Any]
Offsets = dict[int, int]


def load(folder: Path) -> tuple[Models, Offsets]:
    """Of the last snapshot that was finished; nothing if there is none."""
    path = folder / "snapshot.pickle"
    if not path.exists():
        return {}, {}
    models, offsets = pickle.loads(path.read_bytes())
    return models, offsets


def save(folder: Path, models: Models, offsets: Offsets) -> None:
    """Both in one file that replaces the last one at once: a crash leaves one or the other."""
    partial = folder / "snapshot.partial"
    with partial.open("wb") as file:
        pickle.dump((models, offsets), file, 5)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(folder / "snapshot.pickle")
