"""What goes wrong with a churn model that a person can do something about.

ChurnError
├── UnusableTable     a table cannot be trained on or scored; the message says what to change in it
├── UnusableSettings  a configuration file or an option makes no sense
├── ExportRefused     the exported graph does not score as scikit-learn does; holds the rows that differ
└── RefusedModel      a model's folder does not hold what its contract promises
"""


class ChurnError(Exception):
    """Base of all errors about churn models."""


class UnusableTable(ChurnError):
    """A table cannot be trained on or scored."""


class UnusableSettings(ChurnError):
    """The settings of a training make no sense."""


class ExportRefused(ChurnError):
    """The exported graph does not score as scikit-learn does."""


class RefusedModel(ChurnError):
    """A model's folder does not hold what its contract promises."""
