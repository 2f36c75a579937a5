"""Pseudonyms of users, by the key in a file that is read again when it changes.

All who speak of users hold the same one: the instances of the REST API, the jobs that join rows of customers to what
users do (PSEUDONYM in SQL: flink/functions.py), and the commands.

Errors: schemas/errors.py draws the tree.
"""

import logging
from functools import lru_cache
from pathlib import Path

from connectors.pseudonym_key import BadPseudonymKey, PseudonymKey
from schemas.errors import HeadraceError, TerminalError

KEY_FILE = "pseudonyms/key"
"""Among the secrets of a stack. In a folder of its own: a file mounted into a container would stay the old one."""
KEY_BELOW_HOME = Path("secrets") / KEY_FILE
"""Below the home of a process's stack: the TaskManager's need not be that of the client."""
REMEMBERED = 1 << 17
"""Pseudonyms; one that is remembered costs 0.1 us, one that is made 30."""

log = logging.getLogger(__name__)


class PseudonymsError(HeadraceError):
    """Base of what this module raises; all of it is terminal."""


class NoPseudonymKey(PseudonymsError, TerminalError):
    """Raised where there is no file with a key. Terminal: the file has to be provided."""


class UnusableKeyFile(PseudonymsError, TerminalError):
    """Raised where the file cannot be read, or is no key. Terminal: the file has to be changed."""


def read_key(path: Path) -> PseudonymKey:
    """The key of a file.

    Raises
    ------
    PseudonymsError
        When there is no file, or its text is not a key.
    """
    try:
        return PseudonymKey.parse(path.read_text())
    except FileNotFoundError:
        raise NoPseudonymKey(f"There is no key for pseudonyms in {path}. Make it:  headrace up") from None
    except (OSError, UnicodeDecodeError, BadPseudonymKey) as error:
        raise UnusableKeyFile(f"The key for pseudonyms in {path} cannot be used: {error}") from error


class Pseudonyms:
    """Of the key in a file. `refresh` must be called again and again: `of` does not touch the file.

    Raises PseudonymsError to begin with; later a file that cannot be used is logged, and the key before it stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.failures = 0
        """Looks at a file that could not be used."""
        self._read()

    def of(self, user: str) -> str:
        """The pseudonym of a user, 32 hexadecimal digits."""
        return self._remembered(user)

    def refresh(self) -> None:
        """Read the file if it has changed."""
        try:
            if _state_of(self._path) != self._seen:
                self._read()
        except PseudonymsError as error:
            self.failures += 1
            log.error("The key for pseudonyms stays as it was: %s", error)

    def _read(self) -> None:
        # In this order: a key that comes in between is read at the next look.
        seen = _state_of(self._path)
        self._remembered = lru_cache(REMEMBERED)(read_key(self._path).pseudonym)
        self._seen = seen


def _state_of(path: Path) -> object:
    """What changes when the file is written anew; None where there is none, of which reading it says more."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
