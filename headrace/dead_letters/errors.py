"""What a person reads about dead letters. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError, TransientError


class DeadLetterError(HeadraceError):
    """Base of what this package raises; transient or terminal by class."""


class NoSuchDeadLetter(DeadLetterError, TerminalError):
    """Raised where no dead letter has this identifier. Terminal: retention may have removed it."""


class BadFilter(DeadLetterError, TerminalError):
    """Raised for a filter that cannot be parsed or selects nothing. Terminal: the filter has to be changed."""


class EditFailed(DeadLetterError, TerminalError):
    """Raised where a payload could not be edited as asked. Terminal: the edit has to be changed."""


class ReplayFailed(DeadLetterError, TransientError):
    """Raised where not all dead letters were sent. Transient: the same command sends the rest."""
