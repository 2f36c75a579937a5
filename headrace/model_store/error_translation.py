"""What goes wrong with models, as the command line reports it."""

from collections.abc import Iterator
from contextlib import contextmanager

from headrace.errors import ModelNotMade
from models.champion import UnreadablePointer
from models.churn.errors import ChurnError
from models.recommend.errors import RecommendError
from models.registry import NotRegistered


@contextmanager
def translate_errors() -> Iterator[None]:
    """Errors about models become a line without a stack trace."""
    try:
        yield
    except (ChurnError, RecommendError, NotRegistered, UnreadablePointer) as error:
        raise ModelNotMade(str(error)) from error
