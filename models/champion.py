"""Which model a stream scores with: version folders, and one pointer file that names the champion.

    <root>/champion/<version>/     model.onnx, contract.json, ...
    <root>/champion.json           {"version": "...", "folder": "champion/<version>"}

The folder is complete before the pointer names it, and the pointer is replaced by a rename: a reader sees the old
model or the new one. No training library is needed here.
"""

import os
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

POINTER = "champion.json"
FOLDER = "champion"


class Champion(BaseModel):
    """What the pointer says; `folder` is relative to the root."""

    model_config = ConfigDict(frozen=True)
    version: str
    folder: str


class UnreadablePointer(Exception):
    """The pointer is there and says nothing of use."""


def champion(root: Path) -> Champion | None:
    """The champion that the pointer names; None before the first.

    Raises
    ------
    UnreadablePointer
        It is damaged, or its folder is not there.
    """
    try:
        found = Champion.model_validate_json((root / POINTER).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise UnreadablePointer(f"{root / POINTER} cannot be read: {error}") from None
    if not (root / found.folder).is_dir():
        raise UnreadablePointer(f"{root / POINTER} names {found.folder}, which is not there")
    return found


def publish(root: Path, source: Path, version: str) -> Champion:
    """Make the model of the folder `source` the champion; a version that is there already is only pointed to."""
    target = root / FOLDER / version
    if not target.exists():
        _copy_whole(source, target)
    named = Champion(version=version, folder=f"{FOLDER}/{version}")
    _replace(root / POINTER, named.model_dump_json() + "\n")
    return named


def _copy_whole(source: Path, target: Path) -> None:
    """Under another name first: what was cut short is never taken for a model."""
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    shutil.copytree(source, partial)
    partial.rename(target)


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
