"""API keys: the files `serving-key` and `serving-key-NAME` in the folder of secrets, one key each."""

import hmac
import logging
from collections.abc import Mapping
from pathlib import Path

from connectors.endpoints import stored_secret

log = logging.getLogger(__name__)

PREFIX = "serving-key"
DEFAULT_OWNER = "default"
MIN_KEY_LENGTH = 16
MAX_KEY_LENGTH = 512


class ApiKeys:
    """Finds the owner of a key. Keys are compared in constant time."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {owner: key.encode() for owner, key in keys.items()}

    def __len__(self) -> int:
        return len(self._keys)

    def owner(self, presented: bytes | None) -> str | None:
        """The name of the key, None for an invalid or missing one.

        >>> ApiKeys({"shop": "k" * 16}).owner(b"k" * 16)
        'shop'
        """
        if presented is None or len(presented) > MAX_KEY_LENGTH:
            return None
        found = None
        # All of them, even after a match: the time does not reveal which key matched.
        for owner, key in self._keys.items():
            if hmac.compare_digest(key, presented):
                found = owner
        return found


def read_keys(secrets: Path) -> ApiKeys:
    """The keys in a folder. A key of an invalid length is skipped with an error in the log.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    keys = {}
    for path in sorted(secrets.iterdir()) if secrets.is_dir() else ():
        if path.name != PREFIX and not path.name.startswith(f"{PREFIX}-"):
            continue
        key = stored_secret(path)
        text = key.get_secret_value() if key else ""
        if MIN_KEY_LENGTH <= len(text) <= MAX_KEY_LENGTH:
            keys[path.name.removeprefix(PREFIX).removeprefix("-") or DEFAULT_OWNER] = text
        else:
            log.error("Skipping the API key in %s: a key has %d to %d characters", path, MIN_KEY_LENGTH, MAX_KEY_LENGTH)
    return ApiKeys(keys)
