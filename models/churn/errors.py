"""What goes wrong with a churn model that a person can do something about. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError


class ChurnError(HeadraceError):
    """Base of all errors about churn models."""


class UnusableTable(ChurnError, TerminalError):
    """A table cannot be trained on or scored."""


class UnusableSettings(ChurnError, TerminalError):
    """The settings of a training make no sense."""


class ExportRefused(ChurnError, TerminalError):
    """The exported graph does not score as scikit-learn does."""


class RefusedModel(ChurnError, TerminalError):
    """A model's folder does not hold what its contract promises."""
