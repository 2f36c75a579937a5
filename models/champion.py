"""Which model a stream scores with: version folders, and one pointer file that names the champion.

    <root>/champion/<version>/     model.onnx, contract.json, ...
    <root>/champion.json           {"version": "...", "folder": "champion/<version>"}

The folder is complete before the pointer names it, and the pointer is replaced by a rename: a reader sees the old
model or the new one. This is the reader's side, which streams use; headrace/model_store/publishing.py writes.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import TerminalError

POINTER = "champion.json"
FOLDER = "champion"


class Champion(BaseModel):
    """What the pointer says; `folder` is relative to the root."""

    model_config = ConfigDict(frozen=True)
    version: str
    folder: str


class NoChampion(TerminalError):
    """Raised where no model was promoted yet; the message says how to make one champion. Terminal: until one is."""


class UnreadablePointer(TerminalError):
    """Raised where the pointer to the champion is there and cannot be read. Terminal: promote a model again."""


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
