"""The key file that pseudonyms of users are made with (connectors/pseudonym_key.py): made once, never whole again.

What was written over stays on the medium until the medium uses the place again, and in every backup of the file.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.pseudonym_key import PseudonymKey
from connectors.pseudonyms import KEY_FILE, read_key
from stack.layout import Layout

MODE = 0o600


def require_key(layout: Layout) -> None:
    """Make the key where there is none."""
    with _alone(layout):
        path = layout.settings.secrets / KEY_FILE
        if not path.is_file():
            atomic_write_text(path, PseudonymKey.new().text(), mode=MODE)


def destroy_key_of(layout: Layout, user: str) -> None:
    """From now on nobody can make the user's pseudonym.

    Raises
    ------
    PseudonymsError
    """
    with _alone(layout):
        path = layout.settings.secrets / KEY_FILE
        atomic_write_text(path, read_key(path).without(user).text(), mode=path.stat().st_mode & 0o777)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Two at a time would each keep what the other destroyed."""
    folder = layout.folder("secrets", *Path(KEY_FILE).parent.parts)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
