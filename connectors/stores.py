"""What a store does with a batch: what every writer has in common. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError, TransientError


class StoreError(HeadraceError):
    """Raised where a store cannot be written to at all; transient or terminal by class.

    A row that it refuses is a return value, not an exception.
    """


class StoreUnavailable(StoreError, TransientError):
    """Raised where the store is unreachable, overloaded or full. Carries how long it asked to be left alone.

    Transient: the same write may succeed later.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreMisconfigured(StoreError, TerminalError):
    """Raised where a store refuses everything until a person changes something; the message says what. Terminal."""
