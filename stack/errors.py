"""Errors of the local stack. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError, TransientError


class StackError(HeadraceError):
    """Base of what the local stack raises; transient or terminal by class."""


class StackUnusable(StackError, TerminalError):
    """Raised for a folder, a setting or a name that the stack cannot work with; the message says what to change.

    Terminal: until it is changed.
    """


class StackInUse(StackError, TransientError):
    """Raised where another command works on the same stack. Transient: wait for its end."""


class MissingProgram(StackError, TerminalError):
    """Raised where a program is not installed. Terminal: install it."""


class BuildFailed(StackError, TerminalError):
    """Raised where a download or a build failed. Terminal: the message says what to change."""


class PortBusy(StackError, TerminalError):
    """Raised where another program has a port of the stack. Terminal: stop it, or move the stack's ports."""


class NotReady(StackError, TransientError):
    """Raised where a server did not become ready in its time. Transient: it may need longer."""


class NotRunning(StackError, TerminalError):
    """Raised where the stack does not run. Terminal: it has to be started."""


class StillRunning(StackError, TransientError):
    """Raised where a process of the stack could not be ended. Transient: it may end later."""
