"""What the scoring operator keeps for one bucket of series: readings in, judged readings out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from models.detectors.catalogue import detector
from models.detectors.episodes import Episodes
from models.detectors.growable_arrays import Flags, Floats, Integers
from models.detectors.position_guard import PositionGuard, from_highest_alone
from models.detectors.series_index import SeriesIndex, SeriesKey
from models.detectors.threshold import AdaptiveThreshold
from models.state_codec import Migrations, State, UnreadableState, decode, encode


@dataclass(frozen=True)
class Batch:
    """Readings as columns of one length `n`, in any order.

    Parameters
    ----------
    keys
        Device and metric.
    event_times
        In ms since the epoch.
    values
        Finite.
    partitions, offsets, items
        Position in the raw topic. Sequences and arrays are both welcome.
    """

    keys: Sequence[SeriesKey]
    event_times: Integers
    values: Floats
    partitions: Integers
    offsets: Integers
    items: Integers

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values, np.float64))
        for name in ("event_times", "partitions", "offsets", "items"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class ScoredBatch:
    """The readings that were new, in the order they were scored; columns of one length `n_new <= n`.

    Parameters
    ----------
    index
        Place of each reading in the incoming batch.
    scores, thresholds
        In the detector's scale. The threshold was known before the reading came.
    is_anomaly
        Whether the score was above the threshold.
    episodes
        Event time of the episode's first flagged reading in ms, or `NO_EPISODE`.
    """

    index: Integers
    scores: Floats
    thresholds: Floats
    is_anomaly: Flags
    episodes: Integers

    def __len__(self) -> int:
        return len(self.index)


class Scorer:
    """Fleet, position guard, threshold and episodes of one bucket, as one value.

    Readings are scored in the order of their positions, each before it is learned. The result does not
    depend on where batches are cut, so that a snapshot and the batches since then give the same state.

    Parameters
    ----------
    detector_name
        A name of the catalogue.
    closes_after
        Unflagged readings in a row that end an episode.
    n_deviations
        Distance of the threshold from the usual score; None takes the detector's own.

    Examples
    --------
    >>> scorer = Scorer("gaussian")
    >>> n = 601
    >>> batch = Batch(
    ...     keys=[("pump-1", "temperature")] * n,
    ...     event_times=np.arange(n) * 1000,
    ...     values=np.append(np.sin(np.arange(n - 1)), 9.0),
    ...     partitions=np.zeros(n),
    ...     offsets=np.arange(n),
    ...     items=np.zeros(n),
    ... )
    >>> scored = scorer.step(batch)
    >>> scored.index[scored.is_anomaly], scored.episodes[scored.is_anomaly]
    (array([600]), array([600000]))
    >>> len(scorer.step(batch))
    0
    """

    version = 2  # of the whole layout: raise it when guard, threshold or episodes take their snapshots differently
    migrations: ClassVar[Migrations] = {1: partial(from_highest_alone, prefix="guard.")}  # without one: starts cold

    def __init__(self, detector_name: str, *, closes_after: int = 3, n_deviations: float | None = None) -> None:
        chosen = detector(detector_name)
        self.detector_name = detector_name
        self._series = SeriesIndex()
        self._guard = PositionGuard()
        self._fleet = chosen.make_fleet()
        self._threshold = AdaptiveThreshold(
            bounded=chosen.bounded,
            grace=chosen.grace,
            n_deviations=chosen.n_deviations if n_deviations is None else n_deviations,
        )
        self._episodes = Episodes(closes_after)

    def __len__(self) -> int:
        """Number of series."""
        return len(self._series)

    @property
    def detector_version(self) -> int:
        """Version of the fleet's state; it goes with every score."""
        return self._fleet.version

    def step(self, batch: Batch) -> ScoredBatch:
        """Judge the readings that are new, then learn them."""
        rows = self._series.rows(batch.keys)
        self._grow()
        index = self._guard.admit(rows, batch.partitions, batch.offsets, batch.items)
        rows = rows[index]
        scores = self._fleet.step(rows, batch.values[index])
        thresholds, is_anomaly = self._threshold.judge(rows, scores)
        episodes = self._episodes.follow(rows, batch.event_times[index], is_anomaly)
        return ScoredBatch(index, scores, thresholds, is_anomaly, episodes)

    def learn(self, batch: Batch) -> None:
        """Replay a batch of the journal; leaves the state that `step` leaves.

        The threshold learns scores, so a replay has to score as well: what it saves is only the output.
        """
        self.step(batch)

    def _grow(self) -> None:
        n_series = len(self._series)
        if n_series > len(self._fleet):
            for part in (self._guard, self._fleet, self._threshold, self._episodes):
                part.grow(n_series)

    def snapshot(self) -> bytes:
        """The whole state, with its version inside; settings are not part of it."""
        fleet = np.frombuffer(self._fleet.snapshot(), np.uint8)
        arrays: dict[str, npt.NDArray[Any]] = {"fleet": fleet}
        for prefix, part in self._parts().items():
            arrays |= {prefix + name: array for name, array in part.arrays().items()}
        values = {"detector": self.detector_name, "series": list(self._series)}
        return encode(State("scorer", self.version, values, arrays))

    def restore(self, state: bytes) -> None:
        """Become what was frozen.

        Raises
        ------
        UnreadableState
            When `state` is foreign, of another version or detector, or damaged. Start cold with a new Scorer.
        """
        frozen = decode(state, "scorer", self.version, self.migrations)
        if frozen.values["detector"] != self.detector_name:
            raise UnreadableState(f"state is of {frozen.values['detector']}, not of {self.detector_name}")
        self._fleet.restore(frozen.arrays["fleet"].tobytes())
        self._series = SeriesIndex((device, metric) for device, metric in frozen.values["series"])
        for prefix, part in self._parts().items():
            part.load({name.removeprefix(prefix): a for name, a in frozen.arrays.items() if name.startswith(prefix)})

    def _parts(self) -> dict[str, PositionGuard | AdaptiveThreshold | Episodes]:
        """The parts whose snapshots are plain arrays, by the prefix of their names."""
        return {"guard.": self._guard, "threshold.": self._threshold, "episodes.": self._episodes}
