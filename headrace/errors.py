"""Errors of the operator's tools. schemas/errors.py draws the tree."""

from schemas.errors import TerminalError, TransientError


class BalanceFailed(TransientError):
    """The topics or a store could not be read; the ledger is as it was."""


class LedgerUnusable(TerminalError):
    """The ledger of earlier balances cannot be gone on with."""


class WindowsNotCorrected(TransientError):
    """A correction of windows ended before its end; the next one goes on where the last one stopped."""


class NotWithin(TransientError):
    """A condition did not come true in its time; the message says which."""


class SavepointFailed(TransientError):
    """Flink could not take a savepoint; the message has its reason."""


class SourcesNotApplied(TerminalError):
    """A changed sources.toml does not count yet; the message says what runs and what to do."""


class MissingTrainingExtra(TerminalError):
    """Packages that only training needs are not installed."""


class FeaturesNotMade(TerminalError):
    """Features of customers cannot be made of what is there."""


class UnusableFile(TerminalError):
    """A CSV file whose readings cannot be told for certain, or that holds none. The message says which line and why."""


class NotForgotten(TerminalError):
    """A user is not forgotten yet. What was done stays done, and the same command does the rest."""
