"""What a detector says of labelled series, by the scorer that the job runs."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.nab.labelled_series import LabelledSeries
from models.detectors import NO_EPISODE, Batch, Scorer, detector
from models.detectors.decision import Decision
from models.detectors.growable_arrays import Array, Codes, Flags, Floats, Integers

AT_ONCE = 50_000


@dataclass(frozen=True)
class ScoredSeries:
    """A series and, in columns of its length, what was said of its readings.

    Parameters
    ----------
    scores, thresholds, expected_low, expected_high
        NaN where there is none.
    in_episode
        Whether the reading belongs to an episode.
    alerts
        Whether it is the first of one.
    kinds
        Codes of `schemas.anomaly_kind.AnomalyKind`.
    """

    series: LabelledSeries
    scores: Floats
    thresholds: Floats
    expected_low: Floats
    expected_high: Floats
    in_episode: Flags
    alerts: Flags
    kinds: Codes


def score(name: str, series: Sequence[LabelledSeries]) -> tuple[list[ScoredSeries], float]:
    """What the detector of that name says with its shipped settings, and the CPU seconds that it took.

    Every series is scored from its first reading by a detector that has learned nothing. All are fed side by side, as
    in the job: one after the other would cost a fleet its speed.
    """
    scorer = Scorer(name)
    owners = np.repeat(np.arange(len(series)), [len(each) for each in series])
    offsets = np.concatenate([np.arange(len(each)) for each in series])
    times, values = (np.concatenate([getattr(each, name) for each in series]) for name in ("times", "values"))
    order = np.argsort(offsets, kind="stable")
    columns = _blank(len(values))
    started = time.process_time()
    for places in np.array_split(order, -(-len(order) // AT_ONCE)):
        zeros = np.zeros(len(places), np.int64)
        keys = [("series", str(owner)) for owner in owners[places].tolist()]
        said = scorer.step(Batch(keys, times[places], values[places], zeros, offsets[places], zeros))
        at = places[said.index]
        for column, values_of_it in columns.items():
            values_of_it[at] = getattr(said, column)
    cpu_s = time.process_time() - started
    return [_scored(each, columns, part) for each, part in zip(series, _parts(series), strict=True)], cpu_s


def alerts_at(rate: float, name: str, scored: Sequence[ScoredSeries]) -> list[Flags]:
    """The alerts of each series had the setting been this many alerts a week: the scores are the same."""
    settings = detector(name)
    decision = Decision(rate, settings.base, settings.usual_excess)
    decision.grow(len(scored))
    found = []
    for row, each in enumerate(scored):
        n = len(each.series)
        kinds, raises = np.zeros(n, np.int8), np.zeros(n)
        said = decision.judge(np.full(n, row), each.series.times, each.series.values, each.scores, kinds, raises)
        found.append(first_of_each(said.episodes))
    return found


def first_of_each(episodes: Integers) -> Flags:
    """Whether a reading is the first of its episode; shape `(n,)`, of one series in order.

    >>> first_of_each(np.array([NO_EPISODE, 5, 5, NO_EPISODE, 8])).tolist()
    [False, True, False, False, True]
    """
    return np.asarray((episodes != NO_EPISODE) & (episodes != np.append(NO_EPISODE, episodes)[:-1]))


def _blank(n: int) -> dict[str, Array]:
    nothing = {name: np.full(n, np.nan) for name in ("scores", "thresholds", "expected_low", "expected_high")}
    return {
        **nothing,
        "is_anomaly": np.zeros(n, np.bool_),
        "episodes": np.full(n, NO_EPISODE),
        "kinds": np.zeros(n, np.int8),
    }


def _parts(series: Sequence[LabelledSeries]) -> Iterator[slice]:
    begin = 0
    for each in series:
        yield slice(begin, begin + len(each))
        begin += len(each)


def _scored(series: LabelledSeries, columns: dict[str, Array], part: slice) -> ScoredSeries:
    own = {name: column[part] for name, column in columns.items()}
    in_episode = own.pop("is_anomaly")
    return ScoredSeries(series, in_episode=in_episode, alerts=first_of_each(own.pop("episodes")), **own)
