"""What the command line reports in one or two lines, without a stack trace.

HeadraceError
├── SubmissionFailed      a job was not accepted (headrace/submission.py)
├── NotAcknowledged       the MQTT broker kept silent (headrace/publisher.py)
├── UnusableFile          a CSV without readings (headrace/csv_readings.py)
├── BalanceNotTaken       Kafka or a store cannot be asked (headrace/accounting/balance.py)
├── LedgerUnusable        what earlier balances wrote down is damaged, foreign or in use (headrace/accounting/ledger.py)
├── WindowsNotCorrected   Kafka or InfluxDB did not answer a correction (headrace/windows/)
├── CaptureNotAsked       PostgreSQL or Kafka Connect does not answer (headrace/commands/cdc.py)
├── NotWithin             a condition did not come true in its time (headrace/waiting.py)
├── MissingTrainingExtra  training needs packages that are not installed (headrace/commands/training_extra.py)
├── ModelNotMade          a table, a setting, a model's folder or the registry is of no use (headrace/churn/)
├── FeaturesNotMade       what was counted of customers is not there, or Kafka does not answer (headrace/churn/)
├── NotForgotten          a user is not forgotten yet; the message says what to do before it is said again
├── DeadLetterError       about dead letters (headrace/dead_letters/errors.py draws its branch)
├── DrillError            about drills (headrace/drills/errors.py draws its branch)
└── StackError            the local stack
    ├── MissingProgram    a program is not installed; the message says how to install it
    ├── BuildFailed       a download or a build of `headrace setup` failed
    ├── PortBusy          somebody else listens on a port of the stack
    ├── NotReady          a server did not answer in its time, or keeps dying
    ├── NotRunning        a command needs a running stack
    └── StillRunning      `down` could not end a process
"""


class HeadraceError(Exception):
    """Base of all errors that a person can do something about."""


class BalanceNotTaken(HeadraceError):
    """The topics or a store could not be read; the ledger is as it was."""


class LedgerUnusable(HeadraceError):
    """The ledger of earlier balances cannot be gone on with."""


class WindowsNotCorrected(HeadraceError):
    """A correction of windows ended before its end; the next one goes on where the last one stopped."""


class CaptureNotAsked(HeadraceError):
    """Change capture cannot be asked, or changed."""


class NotWithin(HeadraceError):
    """A condition did not come true in its time; the message says which."""


class MissingTrainingExtra(HeadraceError):
    """Packages that only training needs are not installed."""


class ModelNotMade(HeadraceError):
    """A model could not be trained, exported, registered or used; nothing was changed."""


class FeaturesNotMade(HeadraceError):
    """Features of customers cannot be made of what is there."""


class ExperimentsUnreadable(HeadraceError):
    """No experiment is declared as it should be, or what was seen of it cannot be read."""


class NotForgotten(HeadraceError):
    """A user is not forgotten yet. What was done stays done, and the same command does the rest."""


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
