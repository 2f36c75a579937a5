"""What goes wrong with a recommender that a person can do something about. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError


class RecommendError(HeadraceError):
    """Base of all errors about recommenders."""


class UnusableInteractions(RecommendError, TerminalError):
    """A file cannot be learned from."""


class ExportDiffers(RecommendError, TerminalError):
    """The exported graph does not score as the model does."""


class RefusedRecommender(RecommendError, TerminalError):
    """A model's folder does not hold what its contract promises."""
