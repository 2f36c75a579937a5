"""API keys: files `serving-key` and `serving-key-NAME` of the stack's folder of secrets, one key each."""

import hmac
import logging
from collections.abc import Mapping
from pathlib import Path

from connectors.endpoints import stored_secret

log = logging.getLogger(__name__)

PREFIX = "serving-key"
DEFAULT_OWNER = "default"
SHORTEST_KEY = 16
MAX_KEY_LENGTH = 512


class ApiKeys:
    """Says whose a key is. Keys are compared in a time that does not depend on how much of one was guessed."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {owner: key.encode() for owner, key in keys.items()}

    def __len__(self) -> int:
        return len(self._keys)

    def owner(self, presented: bytes | None) -> str | None:
        """Name of the key, None for a wrong or missing one.

        >>> ApiKeys({"shop": "k" * 16}).owner(b"k" * 16)
        'shop'
        """
        if presented is None or len(presented) > MAX_KEY_LENGTH:
            return None
        found = None
        # All of them, also after one has matched: the time tells nothing of which it was.
        for owner, key in self._keys.items():
            if hmac.compare_digest(key, presented):
                found = owner
        return found


def read_keys(secrets: Path) -> ApiKeys:
    """The keys of that folder. A key that is too short is left out, and said.

    Raises OSError if the folder cannot be read.
    """
    keys = {}
    for path in sorted(secrets.iterdir()) if secrets.is_dir() else ():
        if path.name != PREFIX and not path.name.startswith(f"{PREFIX}-"):
            continue
        key = stored_secret(path)
        text = key.get_secret_value() if key else ""
        if SHORTEST_KEY <= len(text) <= MAX_KEY_LENGTH:
            keys[path.name.removeprefix(PREFIX).removeprefix("-") or DEFAULT_OWNER] = text
        else:
            log.error("%s is no key: it must have %d to %d characters", path, SHORTEST_KEY, MAX_KEY_LENGTH)
    return ApiKeys(keys)
