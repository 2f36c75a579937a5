"""What can go wrong in a drill, beside what it looks for. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError


class DrillError(HeadraceError):
    """Of the drills."""


class NotPrepared(DrillError, TerminalError):
    """The drill could not break what it wanted to break."""


class NotOurs(DrillError, TerminalError):
    """The folder holds a stack that drills did not make."""
