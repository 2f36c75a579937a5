"""The interface of a fleet: one object that holds the detectors of many series."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from models.detectors.growable_arrays import Codes, Floats, Integers
from models.state_codec import NO_MIGRATIONS, Migrations
from schemas.anomaly_kind import AnomalyKind

Rows = Integers
"""Which series each reading belongs to: dense numbers from 0, given out by `SeriesIndex`."""


class Fleet(ABC):
    """The detectors of all series of one bucket. Each series has a model of its own.

    A fleet knows series only by their row. It scores a reading with what it learned before that reading,
    and it keeps the order of readings inside a series, so its scores do not depend on where batches are cut.

    Attributes
    ----------
    name
        Name in the catalogue.
    version
        Of the state; a changed layout or changed maths has a new one.
    migrations
        From older versions of the state. A version without one starts cold.
    """

    name: str
    version: ClassVar[int]
    migrations: ClassVar[Migrations] = NO_MIGRATIONS

    @abstractmethod
    def __len__(self) -> int:
        """Number of series."""

    @abstractmethod
    def grow(self, n_series: int) -> None:
        """Make room for rows below `n_series`; the new ones have learned nothing."""

    @abstractmethod
    def step(self, rows: Rows, values: Floats) -> Floats:
        """Score, then learn, each reading in order.

        Parameters
        ----------
        rows
            Shape `(n,)`. Every row is below `len(self)`; a row may come many times.
        values
            Shape `(n,)`, finite.

        Returns
        -------
        scores
            Shape `(n,)`, in the detector's own scale; higher is stranger.
        """

    def step_with_kinds(self, rows: Rows, values: Floats) -> tuple[Floats, Codes]:
        """As `step`, with the kind that an alert at each reading would be (`schemas.anomaly_kind`), shape `(n,)`."""
        return self.step(rows, values), np.full(len(rows), AnomalyKind.SPIKE, np.int8)

    @abstractmethod
    def learn(self, rows: Rows, values: Floats) -> None:
        """Learn without scoring; leaves the state that `step` leaves."""

    @abstractmethod
    def reset(self, rows: Rows) -> None:
        """Make the models of these series, each named once, such as have learned nothing."""

    @abstractmethod
    def snapshot(self, start: int = 0, end: int | None = None) -> bytes:
        """The state of the series `start` to `end`, of all by default, with its version inside."""

    @abstractmethod
    def restore(self, state: bytes, start: int = 0) -> None:
        """Give the series from `start` on the state that `snapshot` gave; makes room for them.

        Raises
        ------
        UnreadableState
            When `state` is foreign, of another version, or damaged.
        """
