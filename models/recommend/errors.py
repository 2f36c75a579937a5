"""What goes wrong with a recommender that a person can do something about.

RecommendError
├── UnusableInteractions  a file of interactions or items cannot be learned from; the message says what to change
├── ExportDiffers         the exported graph does not score as the model does; holds the histories that differ
└── RefusedRecommender    a model's folder does not hold what its contract promises
"""


class RecommendError(Exception):
    """Base of all errors about recommenders."""


class UnusableInteractions(RecommendError):
    """A file cannot be learned from."""


class ExportDiffers(RecommendError):
    """The exported graph does not score as the model does."""


class RefusedRecommender(RecommendError):
    """A model's folder does not hold what its contract promises."""
