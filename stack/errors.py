"""Errors of the local stack.

StackError
├── MissingProgram    a program is not installed; the message says how to install it
├── BuildFailed       a download or a build of `headrace setup` failed
├── PortBusy          another process listens on a port of the stack
├── NotReady          a server did not answer in time, or keeps dying
├── NotRunning        a command needs a running stack
└── StillRunning      `headrace down` could not end a process
"""

from schemas.errors import HeadraceError


class StackError(HeadraceError):
    """Of the local stack."""


class MissingProgram(StackError):
    """A program is not installed."""


class BuildFailed(StackError):
    """A download or a build failed."""


class PortBusy(StackError):
    """A port of the stack is taken."""


class NotReady(StackError):
    """A server did not become ready."""


class NotRunning(StackError):
    """The stack does not run."""


class StillRunning(StackError):
    """A process of the stack could not be ended."""
