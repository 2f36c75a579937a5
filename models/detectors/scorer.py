"""What the scoring operator keeps for one bucket of series: readings in, judged readings out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import ClassVar

import numpy as np

from models.detectors.batch import Batch, ScoredBatch
from models.detectors.catalogue import detector
from models.detectors.episodes import Episodes
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Flags
from models.detectors.position_guard import PositionGuard, Positions, from_all_partitions, from_highest_alone
from models.detectors.series_index import PAGE_SERIES, SeriesIndex, series_name
from models.detectors.silent_series import NOT_BEGUN, UNHEARD, SilentSeries
from models.detectors.threshold import AdaptiveThreshold
from models.state_codec import Migrations, State, UnreadableState, decode, encode

BUCKET = -1
"""In place of the number of a page: what belongs to no series of the bucket, and how many rows there are."""


def _series_in_pages(state: State) -> State:
    """Version 2 had the names of its series in its header, and did not note when they had their last reading."""
    names = [series_name((device, metric)) for device, metric in state.values["series"]]
    added: dict[str, Array] = {
        "names.text": np.frombuffer(b"".join(names), np.uint8),
        "names.length": np.array([len(name) for name in names], np.int32),
        "silent.heard": np.full(len(names), UNHEARD),
        "silent.clock": np.array([NOT_BEGUN]),
    }
    values = {"detector": state.values["detector"], "n_rows": len(names)}
    return State(state.kind, state.version, values, from_all_partitions(state.arrays, "guard.") | added)


class Scorer:
    """Fleet, position guard, threshold and episodes of one bucket, as one value.

    Readings are scored in the order of their positions, each before it is learned. The result does not
    depend on where batches are cut, so that a snapshot and the batches since then give the same state.

    The state is kept in pages of `PAGE_SERIES` series, and a page without a new reading need not be written again.

    Parameters
    ----------
    detector_name
        A name of the catalogue.
    closes_after
        Unflagged readings in a row that end an episode.
    n_deviations
        Distance of the threshold from the usual score; None takes the detector's own.
    lifetime_s
        How long a series may be silent (`SilentSeries`) before it is forgotten; None for ever. A series that was
        forgotten begins anew: its detector, its threshold, and which of its positions have been here.

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

    version = 3  # of the whole layout: raise it when any part but the fleet takes its snapshots differently
    migrations: ClassVar[Migrations] = {  # a version without one starts cold
        1: partial(from_highest_alone, prefix="guard."),
        2: _series_in_pages,
    }

    def __init__(
        self, detector_name: str, *, closes_after: int = 3, n_deviations: float | None = None,
        lifetime_s: int | None = None,
    ) -> None:  # fmt: skip
        chosen = detector(detector_name)
        self.detector_name = detector_name
        self._blank = partial(
            type(self), detector_name, closes_after=closes_after, n_deviations=n_deviations, lifetime_s=lifetime_s
        )
        self._index = SeriesIndex()
        self._guard = PositionGuard()
        self._fleet = chosen.make_fleet()
        self._threshold = AdaptiveThreshold(
            bounded=chosen.bounded,
            grace=chosen.grace,
            n_deviations=chosen.n_deviations if n_deviations is None else n_deviations,
        )
        self._episodes = Episodes(closes_after)
        self._silent = SilentSeries(None if lifetime_s is None else lifetime_s * 1000)
        self._changed: Flags = np.empty(0, np.bool_)  # pages

    def __len__(self) -> int:
        """Number of series."""
        return len(self._index)

    @property
    def detector_version(self) -> int:
        """Version of the fleet's state; it goes with every score."""
        return self._fleet.version

    def step(self, batch: Batch) -> ScoredBatch:
        """Judge the readings that are new, then learn them."""
        rows = self._rows(batch)
        places: Rows = np.arange(len(batch))
        if self._silent.may_have_been(rows, batch.event_times):
            places = Positions(rows, batch.partitions, batch.offsets, batch.items).in_order()
        parts = list(self._scored(batch, rows, places))
        if len(parts) == 1:
            return parts[0]
        names = [field.name for field in fields(ScoredBatch)]
        return ScoredBatch(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def learn(self, batch: Batch) -> None:
        """Replay a batch of the journal; leaves the state that `step` leaves.

        The threshold learns scores, so a replay has to score as well: what it saves is only the output.
        """
        self.step(batch)

    def _rows(self, batch: Batch) -> Rows:
        rows = self._index.rows_of(batch.keys)
        self._grow(self._index.n_rows)
        return rows

    def _grow(self, n_rows: int) -> None:
        if n_rows > len(self._fleet):
            for part in (self._guard, self._fleet, self._threshold, self._episodes, self._silent):
                part.grow(n_rows)
            more = -(-n_rows // PAGE_SERIES) - len(self._changed)
            self._changed = np.append(self._changed, np.zeros(more, np.bool_))

    def _scored(self, batch: Batch, rows: Rows, places: Rows) -> Iterator[ScoredBatch]:
        """The readings at `places`, in parts. A part in which a series may begin anew is one reading, or has none."""
        if self._silent.may_have_been(rows[places], batch.event_times[places]):
            half = len(places) // 2
            if half:
                yield from self._scored(batch, rows, places[:half])
                yield from self._scored(batch, rows, places[half:])
                return
            self._begin_anew(rows[places])
        yield self._part(batch, rows, places)

    def _part(self, batch: Batch, rows: Rows, places: Rows) -> ScoredBatch:
        columns = (rows, batch.partitions, batch.offsets, batch.items)
        index = places[self._guard.admit(*(column[places] for column in columns))]
        rows = rows[index]
        scores = self._fleet.step(rows, batch.values[index])
        thresholds, is_anomaly = self._threshold.judge(rows, scores)
        episodes = self._episodes.follow(rows, batch.event_times[index], is_anomaly)
        self._silent.note(rows, batch.event_times[index])
        for changed in (rows, self._guard.settled):
            self._changed[changed // PAGE_SERIES] = True
        unknown, kinds = np.full(len(index), np.nan), np.zeros(len(index), np.int8)
        return ScoredBatch(index, scores, thresholds, is_anomaly, episodes, unknown, unknown, kinds)

    def _begin_anew(self, rows: Rows) -> None:
        self._guard.forget(rows)
        self._fleet.reset(rows)
        for part in (self._threshold, self._episodes, self._silent):
            part.series.reset(rows)
        self._changed[rows // PAGE_SERIES] = True

    def changed_pages(self) -> dict[int, bytes]:
        """The pages that have changed since the last call, by their numbers, and `BUCKET`; silent series are forgotten.

        Together with those of earlier calls they are the state; settings are not part of it.
        """
        self._forget(self._silent.rows())
        changed = np.flatnonzero(self._changed).tolist()
        self._changed[:] = False
        return {BUCKET: self._encoded(self._bucket_arrays())} | {page: self._page(page) for page in changed}

    def _forget(self, rows: Rows) -> None:
        if len(rows):
            self._begin_anew(rows)
            self._index.forget(rows)

    def restore_pages(self, read: Callable[[int], bytes | None]) -> list[UnreadableState]:
        """Become what was kept.

        Parameters
        ----------
        read
            Gives the page of a number as `changed_pages` gave it last.

        Returns
        -------
        errors
            Of pages that are damaged or missing, or that the fleet cannot read: their series begin anew.

        Raises
        ------
        UnreadableState
            When `BUCKET` is missing, damaged, or of another version or detector. The scorer is then as it was.
        """
        fresh = self._blank()
        bucket = self._decoded(read(BUCKET) or b"")
        fresh._load_bucket(bucket)
        errors = []
        for page in range(len(fresh._changed)):
            try:
                fresh._load_page(page * PAGE_SERIES, self._decoded(read(page) or b""))
            except UnreadableState as error:
                errors.append(error)
                fresh._give_up(page)
        self.__dict__ = fresh.__dict__
        return errors

    def _give_up(self, page: int) -> None:
        start = page * PAGE_SERIES
        self._begin_anew(np.arange(start, min(start + PAGE_SERIES, len(self._fleet))))

    def snapshot(self) -> bytes:
        """The whole state in one piece, with its version inside; settings are not part of it."""
        return self._encoded(self._bucket_arrays() | self._page_arrays(0, self._index.n_rows))

    def restore(self, state: bytes) -> None:
        """Become what `snapshot` of this version, or one with migrations, gave. All pages count as changed.

        Raises
        ------
        UnreadableState
            When `state` is foreign, of another version or detector, or damaged. The scorer is then as it was.
        """
        fresh, frozen = self._blank(), self._decoded(state)
        fresh._load_bucket(frozen)
        fresh._load_page(0, frozen)
        fresh._changed[:] = True
        self.__dict__ = fresh.__dict__

    def _page(self, page: int) -> bytes:
        start = page * PAGE_SERIES
        return self._encoded(self._page_arrays(start, min(start + PAGE_SERIES, self._index.n_rows)))

    def _page_arrays(self, start: int, end: int) -> dict[str, Array]:
        arrays = {"fleet": np.frombuffer(self._fleet.snapshot(start, end), np.uint8)}
        for prefix, part in self._parts().items():
            arrays |= {prefix + name: column for name, column in part.series.page(start, end).items()}
        return arrays | {f"names.{name}": array for name, array in self._index.names(start, end).items()}

    def _bucket_arrays(self) -> dict[str, Array]:
        arrays = {f"guard.{name}": array for name, array in self._guard.recent().items()}
        return arrays | {f"silent.{name}": array for name, array in self._silent.clock().items()}

    def _encoded(self, arrays: dict[str, Array]) -> bytes:
        values = {"detector": self.detector_name, "n_rows": self._index.n_rows}
        return encode(State("scorer", self.version, values, arrays), compressed=False)

    def _decoded(self, state: bytes) -> State:
        frozen = decode(state, "scorer", self.version, self.migrations)
        if frozen.values["detector"] != self.detector_name:
            raise UnreadableState(f"state is of {frozen.values['detector']}, not of {self.detector_name}")
        return frozen

    def _load_bucket(self, frozen: State) -> None:
        with _complete():
            self._index.skip(frozen.values["n_rows"])
            self._grow(frozen.values["n_rows"])
            self._guard.load_recent(_named("guard.", frozen))
            self._silent.load_clock(_named("silent.", frozen))

    def _load_page(self, start: int, frozen: State) -> None:
        with _complete():
            self._fleet.restore(frozen.arrays["fleet"].tobytes(), start)
            for prefix, part in self._parts().items():
                part.series.load(start, _named(prefix, frozen))
            self._index.load(start, _named("names.", frozen))

    def _parts(self) -> dict[str, PositionGuard | AdaptiveThreshold | Episodes | SilentSeries]:
        """The parts whose state are columns, by the prefix of their names."""
        return {
            "guard.": self._guard,
            "threshold.": self._threshold,
            "episodes.": self._episodes,
            "silent.": self._silent,
        }


@contextmanager
def _complete() -> Iterator[None]:
    """What lacks in a state makes it unreadable."""
    try:
        yield
    except LookupError as error:
        raise UnreadableState(f"state has no {error}") from error


def _named(prefix: str, frozen: State) -> dict[str, Array]:
    """The arrays of a part."""
    return {name.removeprefix(prefix): array for name, array in frozen.arrays.items() if name.startswith(prefix)}
