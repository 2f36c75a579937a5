"""What goes wrong with a churn model that a person can do something about. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError


class ChurnError(HeadraceError):
    """Base of all errors about churn models; all of them are terminal."""


class UnusableTable(ChurnError, TerminalError):
    """Raised where a table cannot be trained on or scored. Terminal: the message says what the table lacks."""


class UnusableSettings(ChurnError, TerminalError):
    """Raised where the settings of a training contradict each other. Terminal: they have to be changed."""


class ExportRefused(ChurnError, TerminalError):
    """Raised where the exported graph does not score as scikit-learn does. Terminal: the same export differs again."""


class RefusedModel(ChurnError, TerminalError):
    """Raised where a model's folder does not hold what its contract promises. Terminal: it needs another model."""
