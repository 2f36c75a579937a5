"""The interface of a recommender: it learns interactions one by one and scores items by a history."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from models.recommend.history import History
from models.recommend.linear_form import Part

Floats = npt.NDArray[np.floating]


class Recommender(ABC):
    """Knows items by number and users not at all: whoever asks brings the user's history.

    So the same model serves a user whom it never saw, a stream that keeps histories in keyed state, and a graph.
    Nothing here takes an interaction that is in the future: `score` sees a history, `learn` what then happened.

    Attributes
    ----------
    name
        Name in the catalogue.
    """

    name: ClassVar[str]

    def __init__(self, n_items: int) -> None:
        self.n_items = n_items

    @abstractmethod
    def learn(self, history: History, item: int, time_s: float) -> None:
        """Learn that a user of this history took the item at this time (seconds since the epoch)."""

    def refit(self) -> None:  # noqa: B027  (most models have nothing to do)
        """Compute what is too dear to be computed at each interaction."""

    @abstractmethod
    def score(self, history: History) -> Floats:
        """How well each item goes next. Shape `(n_items,)`; items of the history are scored too. Learns nothing."""

    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """The model as it stands, as the export needs it."""

    @property
    def weights(self) -> Floats | None:
        """Of the parts in a blend, `(2, n_parts)`: while users are active, and when they return; None for one part."""
        return None
