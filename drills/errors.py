"""What can go wrong in a drill, beside what it looks for. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError


class DrillError(HeadraceError):
    """Base of what drills raise; all of it is terminal."""


class NotPrepared(DrillError, TerminalError):
    """Raised where the drill could not inject its fault. Terminal: the message says what is missing."""


class NotOurs(DrillError, TerminalError):
    """Raised where the folder holds a stack that drills did not make. Terminal: choose another folder."""
