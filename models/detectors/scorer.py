"""What the scoring operator keeps for one bucket of series: readings in, judged readings out."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import ClassVar

import numpy as np

from models.detectors.arrivals import Arrivals
from models.detectors.batch import Batch, MissingSeries, ScoredBatch
from models.detectors.calibration import Calibration
from models.detectors.catalogue import detector
from models.detectors.decision import ALERTS_PER_WEEK, NO_EPISODE, Decided, Decision
from models.detectors.device_budget import DeviceBudget
from models.detectors.expected_range import ExpectedRange
from models.detectors.fleet import Rows
from models.detectors.growable_arrays import Array, Flags, Integers
from models.detectors.position_guard import PositionGuard, Positions
from models.detectors.series_index import PAGE_SERIES, SeriesIndex, SeriesKey
from models.detectors.silent_series import SilentSeries
from models.detectors.verdicts import CONFIRMED, DISMISSED, Verdict, Verdicts
from models.state_codec import Migrations, State, UnreadableState, decode, encode
from schemas.anomaly_kind import AnomalyKind

BUCKET = -1
"""In place of the number of a page: what belongs to no series of the bucket, and how many rows there are."""


Part = PositionGuard | Calibration | ExpectedRange | Decision | SilentSeries | Arrivals | Verdicts


class Scorer:
    """Fleet, position guard, calibration, expected range, decision and arrivals of one bucket, as one value.

    Readings are scored in the order of their positions, each before it is learned. The result does not
    depend on where batches are cut, so that a snapshot and the batches since then give the same state: with the series
    that `tick` has said are missing in between.

    The state is kept in pages of `PAGE_SERIES` series, and a page without a new reading need not be written again.

    Parameters
    ----------
    detector_name
        A name of the catalogue.
    closes_after
        Readings below the threshold, in a row, that end an episode.
    alerts_per_week
        Of each series, about, while nothing is wrong with it (`Decision`).
    lifetime_s
        How long a series may be silent (`SilentSeries`) before it is forgotten; None for ever. A series that was
        forgotten begins anew: its detector, its decision, and which of its positions have been here.
    device_groups_per_week
        Groups of alerts of one device that are within its budget (`DeviceBudget`).

    Examples
    --------
    >>> scorer = Scorer("gaussian")
    >>> n = 601
    >>> batch = Batch(
    ...     keys=[("pump-1", "temperature")] * n,
    ...     event_times=np.arange(n) * 60_000,
    ...     values=np.append(np.sin(np.arange(n - 1)), 9.0),
    ...     partitions=np.zeros(n),
    ...     offsets=np.arange(n),
    ...     items=np.zeros(n),
    ... )
    >>> scored = scorer.step(batch)
    >>> scored.index[scored.is_anomaly], scored.episodes[scored.is_anomaly]
    (array([600]), array([36000000]))
    >>> len(scorer.step(batch))
    0
    """

    version = 4  # of the whole layout: raise it when any part but the fleet takes its snapshots differently
    migrations: ClassVar[Migrations] = {}  # before 4 a series had a threshold that knew no rate: it starts cold

    def __init__(
        self, detector_name: str, *, closes_after: int = 3, alerts_per_week: float = ALERTS_PER_WEEK,
        lifetime_s: int | None = None, device_groups_per_week: float = math.inf,
    ) -> None:  # fmt: skip
        chosen = detector(detector_name)
        self.detector_name = detector_name
        self._blank = partial(
            type(self), detector_name, closes_after=closes_after, alerts_per_week=alerts_per_week,
            lifetime_s=lifetime_s, device_groups_per_week=device_groups_per_week,
        )  # fmt: skip
        self._index = SeriesIndex()
        self._guard = PositionGuard()
        self._fleet = chosen.make_fleet()
        self._calibration = None if chosen.is_calibrated else Calibration(chosen.bounded, chosen.grace)
        self._expected = ExpectedRange()
        self._decision = Decision(alerts_per_week, chosen.base, chosen.usual_excess, closes_after)
        self._arrivals = Arrivals(alerts_per_week)
        self._silent = SilentSeries(None if lifetime_s is None else lifetime_s * 1000)
        self._verdicts = Verdicts()
        self._budget = DeviceBudget(device_groups_per_week)
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
        rows = self._rows(batch.keys)
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

    def follow(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Take what operators said of alerts into account, from the next reading on.

        Returns
        -------
        unknown
            Verdicts on alerts that the series is not known to have had lately; they change nothing.
        """
        return [verdict for verdict in verdicts if not self._follows(verdict)]

    def _follows(self, verdict: Verdict) -> bool:
        row = self._index.find(verdict.key)
        if row is None:
            return False
        self._changed[row // PAGE_SERIES] = True
        said = DISMISSED if verdict.dismissed else CONFIRMED
        return self._verdicts.judge(row, verdict.episode, said, int(self._decision.series["heard"][row]))

    def tick(self, elapsed_ms: int) -> MissingSeries:
        """So much time has gone by while the pipeline ran: the series that have become missing (`Arrivals`).

        Which these are does not follow from the readings: it belongs into the journal, for `learn_missing`.
        """
        found = self._arrivals.tick(elapsed_ms, self._silent.rows())
        self._tell(found.rows)
        return MissingSeries(
            self._index.keys(found.rows), found.overdue_at, found.usual, found.silent, found.n_held_back
        )

    def devices(self) -> set[str]:
        """Those of the series."""
        rows = np.setdiff1d(np.arange(self._index.n_rows), self._index.free())
        return {device for device, _ in self._index.keys(rows)}

    def learn_missing(self, keys: Sequence[SeriesKey]) -> None:
        """Replay what `tick` gave; leaves the state that it left."""
        self._tell(self._rows(keys))

    def _tell(self, rows: Rows) -> None:
        self._arrivals.tell(rows)
        self._changed[rows // PAGE_SERIES] = True

    def _rows(self, keys: Sequence[SeriesKey]) -> Rows:
        rows = self._index.rows_of(keys)
        self._grow(self._index.n_rows)
        return rows

    def _grow(self, n_rows: int) -> None:
        if n_rows > len(self._fleet):
            self._fleet.grow(n_rows)
            for part in self._parts().values():
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
        values, event_times = batch.values[index], batch.event_times[index]
        scores, kinds = self._fleet.step_with_kinds(rows, values)
        if self._calibration is not None:
            scores = self._calibration.surprises(rows, scores)
        low, high = self._expected.follow(rows, values)
        raises = self._verdicts.raises(rows, event_times)
        said = self._decision.judge(rows, event_times, values, scores, kinds, raises)
        groups, over_budget = self._alerts(batch, index, rows, event_times, said)
        self._arrivals.follow(rows, batch.partitions[index], event_times)
        self._silent.note(rows, event_times)
        for changed in (rows, self._guard.settled):
            self._changed[changed // PAGE_SERIES] = True
        return ScoredBatch(
            index, scores, said.thresholds, said.is_anomaly, said.episodes, low, high, said.kinds, raises, groups,
            over_budget,
        )  # fmt: skip

    def _alerts(
        self, batch: Batch, index: Rows, rows: Rows, event_times: Integers, said: Decided
    ) -> tuple[Integers, Flags]:
        """Notes the alerts among readings; their groups and whether they are over the budget of their device."""
        groups, over_budget = np.full(len(rows), NO_EPISODE), np.zeros(len(rows), np.bool_)
        places = np.flatnonzero(said.is_anomaly & (said.episodes == event_times))
        # An operator's verdict moves the threshold of scores: nothing that a stuck series is judged by.
        scored = places[said.kinds[places] != AnomalyKind.STUCK]
        if len(scored):
            self._verdicts.note_alerts(rows[scored], event_times[scored])
        for place in places.tolist():
            device, _ = batch.keys[index[place]]
            groups[place], over_budget[place] = self._budget.alert(device, int(event_times[place]))
        return groups, over_budget

    def _begin_anew(self, rows: Rows) -> None:
        self._guard.forget(rows)
        self._fleet.reset(rows)
        for part in self._parts().values():
            if part is not self._guard:
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
        arrays |= {f"budget.{name}": array for name, array in self._budget.columns().items()}
        arrays |= {f"arrivals.{name}": array for name, array in self._arrivals.clocks().items()}
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
            self._arrivals.load_clocks(_named("arrivals.", frozen))
            self._silent.load_clock(_named("silent.", frozen))
            self._budget.load(_named("budget.", frozen))

    def _load_page(self, start: int, frozen: State) -> None:
        with _complete():
            self._fleet.restore(frozen.arrays["fleet"].tobytes(), start)
            for prefix, part in self._parts().items():
                part.series.load(start, _named(prefix, frozen))
            self._index.load(start, _named("names.", frozen))

    def _parts(self) -> dict[str, Part]:
        """The parts whose state are columns, by the prefix of their names."""
        parts: dict[str, Part] = {
            "guard.": self._guard,
            "expected.": self._expected,
            "decision.": self._decision,
            "arrivals.": self._arrivals,
            "silent.": self._silent,
            "verdicts.": self._verdicts,
        }
        return parts if self._calibration is None else parts | {"calibration.": self._calibration}


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
