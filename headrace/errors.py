"""Errors that the command line reports in one or two lines, without a stack trace.

HeadraceError
├── SubmissionFailed      a job was not accepted (headrace/submission.py)
├── NotAcknowledged       the MQTT broker kept silent (headrace/publisher.py)
├── UnusableFile          a CSV without readings (headrace/csv_readings.py)
├── BalanceNotTaken       Kafka or a store cannot be asked (headrace/reconciliation/balance.py)
├── LedgerUnusable        the ledger is damaged, foreign or in use (headrace/reconciliation/ledger.py)
├── WindowsNotCorrected   Kafka or InfluxDB did not answer a correction (headrace/late_data/)
├── CaptureNotAsked       PostgreSQL or Kafka Connect does not answer (headrace/cli/cdc.py)
├── NotWithin             a condition did not come true in its time (headrace/polling.py)
├── MissingTrainingExtra  training needs packages that are not installed (headrace/cli/training_extra.py)
├── ModelNotMade          a table, a setting, a model's folder or the registry is of no use (headrace/churn/)
├── FeaturesNotMade       what was counted of customers is not there, or Kafka does not answer (headrace/churn/)
├── NotForgotten          a user is not forgotten yet; the message says what to do before it is said again
├── DeadLetterError       about dead letters (headrace/dead_letters/errors.py draws its branch)
├── DrillError            about drills (drills/errors.py draws its branch)
└── StackError            the local stack (stack/errors.py draws its branch)
"""

from schemas.errors import HeadraceError


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
