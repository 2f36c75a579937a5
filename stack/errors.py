"""Errors of the local stack. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError, TransientError


class StackError(HeadraceError):
    """Of the local stack."""


class StackUnusable(StackError, TerminalError):
    """A folder, a setting or a name is not one that the stack can work with; the message says what to change."""


class StackInUse(StackError, TransientError):
    """Another command works on the same stack."""


class MissingProgram(StackError, TerminalError):
    """A program is not installed."""


class BuildFailed(StackError, TerminalError):
    """A download or a build failed."""


class PortBusy(StackError, TerminalError):
    """A port of the stack is taken."""


class NotReady(StackError, TransientError):
    """A server did not become ready."""


class NotRunning(StackError, TerminalError):
    """The stack does not run."""


class StillRunning(StackError, TransientError):
    """A process of the stack could not be ended."""
