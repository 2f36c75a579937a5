"""Errors of the operator's tools. schemas/errors.py draws the tree."""

from schemas.errors import TerminalError, TransientError


class BalanceFailed(TransientError):
    """Raised where the topics or a store could not be read; the ledger is as it was.

    Transient: the next balance may succeed.
    """


class LedgerUnusable(TerminalError):
    """Raised where the ledger of earlier balances cannot be continued.

    Terminal: the message says what to do with it.
    """


class WindowsNotCorrected(TransientError):
    """Raised where a correction of windows ended early. Transient: the next one continues where it stopped."""


class NotWithin(TransientError):
    """Raised where a condition did not come true in its time; the message says which.

    Transient: it may come true later.
    """


class SavepointFailed(TransientError):
    """Raised where Flink could not take a savepoint; the message has its reason.

    Transient: the next one may succeed.
    """


class SourcesNotApplied(TerminalError):
    """Raised where a changed sources.toml is not applied yet; the message says what runs and what to do.

    Terminal: until that is done.
    """


class MissingTrainingExtra(TerminalError):
    """Raised where packages that only training needs are not installed. Terminal: install them."""


class FeaturesNotMade(TerminalError):
    """Raised where features of customers cannot be made of what is there.

    Terminal: the data or the time has to change.
    """


class UnusableFile(TerminalError):
    """Raised for a file with ambiguous readings, or without any. The message says which line and why.

    Terminal: the file or an option has to be changed.
    """


class NotForgotten(TerminalError):
    """Raised where a user is not forgotten yet. What was done stays done, and the same command does the rest.

    Terminal: the message says what has to be changed first.
    """


class UnknownAlert(TerminalError):
    """Raised for a verdict on an alert that Redis does not have. Terminal: list those it has."""
