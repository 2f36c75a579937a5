"""What a person reads about dead letters. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError, TransientError


class DeadLetterError(HeadraceError):
    """Of this package."""


class NoSuchDeadLetter(DeadLetterError, TerminalError):
    """There is no dead letter of this identifier."""


class BadFilter(DeadLetterError, TerminalError):
    """A filter that says nothing."""


class EditFailed(DeadLetterError, TerminalError):
    """The payload could not be changed so."""


class ReplayFailed(DeadLetterError, TransientError):
    """Not all was sent."""
