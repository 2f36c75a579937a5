"""What goes wrong with a recommender that a person can do something about. schemas/errors.py draws the tree."""

from schemas.errors import HeadraceError, TerminalError


class RecommendError(HeadraceError):
    """Base of all errors about recommenders; all of them are terminal."""


class UnusableInteractions(RecommendError, TerminalError):
    """Raised where a file cannot be learned from. Terminal: the message says what the file lacks."""


class ExportDiffers(RecommendError, TerminalError):
    """Raised where the exported graph does not score as the model does. Terminal: the same export differs again."""


class RefusedRecommender(RecommendError, TerminalError):
    """Raised where a model's folder does not hold what its contract promises. Terminal: it needs another model."""
