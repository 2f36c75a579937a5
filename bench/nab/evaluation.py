"""How good a detector is on labelled series: as it ships, and at the best and at foreign settings."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.nab.labelled_series import LabelledSeries
from bench.nab.scored_series import ScoredSeries, alerts_at, score
from bench.nab.scoring import (
    PROFILES,
    Marks,
    Outcome,
    Score,
    f1,
    marks,
    outcome,
    precision,
    probation,
    recall,
    total,
)
from bench.nab.sweep import Steps, Sweep, per_episode, per_reading
from models.detectors import ALERTS_PER_WEEK
from models.detectors.growable_arrays import Flags

STARTS = (0, 25, 50, 75, 100, 150)
"""Readings that are left out at the beginning: a good figure must not hang on where a series happens to begin."""

RATES = tuple(ALERTS_PER_WEEK * 10 ** (step / 4) for step in range(-8, 9))
"""Alerts per week that are tried for the best setting: a hundredth of the shipped one to a hundred times that."""


@dataclass(frozen=True)
class Measure:
    """A figure of the tables.

    Parameters
    ----------
    score
        The figure.
    chosen_by
        What a setting is chosen by when this figure is shown for the best one.
    """

    name: str
    score: Score
    chosen_by: Score


@dataclass(frozen=True)
class Rule:
    """A way to score alerts.

    Parameters
    ----------
    probation
        Readings at the beginning of a series of `n` that are not scored.
    measures
        The first is the one that counts.
    digits
        Behind the decimal point.
    """

    probation: Callable[[int], int]
    measures: tuple[Measure, ...]
    digits: int


RULES = {
    "nab": Rule(probation, tuple(Measure(name, each, each) for name, each in PROFILES.items()), digits=1),
    "events": Rule(
        lambda n: 0, (Measure("F1", f1, f1), Measure("precision", precision, f1), Measure("recall", recall, f1)), 3
    ),
}


@dataclass(frozen=True)
class Row:
    """One line of the table of a detector.

    Parameters
    ----------
    name
        Which decision.
    figures
        By measure, one for each start.
    outcomes
        One for each start; empty where each measure has a setting of its own.
    setting
        The one that was chosen by the first measure at the first start; empty where nothing was chosen.
    """

    name: str
    figures: dict[str, list[float]]
    outcomes: list[Outcome]
    setting: str = ""

    def mean(self, measure: str) -> float:
        """Over the starts."""
        return statistics.fmean(self.figures[measure])

    def deviation(self, measure: str) -> float:
        """Sample standard deviation over the starts; 0 for a single one."""
        figures = self.figures[measure]
        return statistics.stdev(figures) if len(figures) > 1 else 0.0


@dataclass(frozen=True)
class FileResult:
    """What the shipped decision comes to on one series, from its first reading.

    Parameters
    ----------
    days
        That are scored.
    delays
        For each window found: readings from its first to the alert, and these as a share of the window.
    """

    scored: ScoredSeries
    marks: Marks
    result: Outcome
    days: float
    delays: list[tuple[int, float]]


@dataclass(frozen=True)
class Evaluation:
    """Everything that is shown of a detector.

    Parameters
    ----------
    rows
        The first is the shipped decision.
    files
        In the order of the series.
    cpu_us
        Of scoring a reading.
    """

    detector: str
    rule: Rule
    rows: list[Row]
    files: list[FileResult]
    cpu_us: float

    def row(self, name: str) -> Row:
        """The line of that name."""
        return next(row for row in self.rows if row.name == name)

    def gap(self, measure: str) -> float:
        """What the best of the other settings would add to the shipped one's mean."""
        return max(row.mean(measure) for row in self.rows if row.name in BEST) - self.rows[0].mean(measure)

    def false_per_day(self) -> float:
        """False alerts of a series and day, of the shipped decision."""
        days = sum(each.days for each in self.files)
        return sum(each.result.n_false for each in self.files) / days if days else 0.0


SHIPPED = f"shipped decision ({ALERTS_PER_WEEK:g} alerts a week)"
EACH_READING = "shipped, each reading of an episode"
BEST_RATE = "best number of alerts a week"
BEST_EPISODES = "best threshold, first of an episode"
BEST_READINGS = "best threshold, each reading"
OTHERS_EPISODES = "other groups' threshold, first of an episode"
OTHERS_READINGS = "other groups' threshold, each reading"
BEST = (BEST_RATE, BEST_EPISODES, BEST_READINGS)


def evaluate(detector: str, series: Sequence[LabelledSeries], rule: Rule) -> Evaluation:
    """Score the series from each of `STARTS` with a detector, and weigh its alerts by a rule."""
    shifted = [each.without_first(min(start, probation(len(each)))) for start in STARTS for each in series]
    scored, cpu_s = score(detector, shifted)
    marked = [marks(len(each), each.windows, rule.probation(len(each))) for each in shifted]
    runs = [
        _Run(scored[at : at + len(series)], marked[at : at + len(series)]) for at in range(0, len(shifted), len(series))
    ]
    rows = [
        _fixed(SHIPPED, rule, [run.outcome([each.alerts for each in run.scored]) for run in runs]),
        _fixed(EACH_READING, rule, [run.outcome([each.in_episode for each in run.scored]) for run in runs]),
        _best_rate(detector, rule, runs),
    ]
    for steps_of, best, others in (
        (per_episode, BEST_EPISODES, OTHERS_EPISODES),
        (per_reading, BEST_READINGS, OTHERS_READINGS),
    ):
        steps = [[steps_of(each.scores, its) for each, its in zip(run.scored, run.marked, strict=True)] for run in runs]
        rows.append(_best_threshold(best, rule, steps))
        if len({each.group for each in series}) > 1:
            rows.append(_others_threshold(others, rule, steps, [each.group for each in series]))
    files = [_file(*pair) for pair in zip(runs[0].scored, runs[0].marked, strict=True)]
    return Evaluation(detector, rule, rows, files, 1e6 * cpu_s / max(sum(map(len, shifted)), 1))


@dataclass(frozen=True)
class _Run:
    """All series from one start."""

    scored: list[ScoredSeries]
    marked: list[Marks]

    def outcome(self, alerts: Sequence[Flags]) -> Outcome:
        return total(outcome(flags, its) for flags, its in zip(alerts, self.marked, strict=True))


def _fixed(name: str, rule: Rule, outcomes: list[Outcome]) -> Row:
    figures = {measure.name: [float(measure.score(each)) for each in outcomes] for measure in rule.measures}
    return Row(name, figures, outcomes)


def _best_rate(detector: str, rule: Rule, runs: Sequence[_Run]) -> Row:
    """One rate for all starts, by the mean over them."""
    tried = {rate: [run.outcome(alerts_at(rate, detector, run.scored)) for run in runs] for rate in RATES}
    figures, chosen = {}, []
    for measure in rule.measures:
        chosen.append(max(tried, key=lambda rate: statistics.fmean(map(measure.chosen_by, tried[rate]))))
        figures[measure.name] = [float(measure.score(each)) for each in tried[chosen[-1]]]
    return Row(BEST_RATE, figures, [], f"{chosen[0]:.3g}")


def _best_threshold(name: str, rule: Rule, steps: Sequence[Sequence[Steps]]) -> Row:
    """A threshold for each start, as the benchmark does."""
    sweeps = [Sweep(each) for each in steps]
    figures, chosen = {}, []
    for measure in rule.measures:
        thresholds = [sweep.best(measure.chosen_by)[0] for sweep in sweeps]
        pairs = zip(sweeps, thresholds, strict=True)
        figures[measure.name] = [float(measure.score(sweep.at(threshold))) for sweep, threshold in pairs]
        chosen.append(thresholds[0])
    return Row(name, figures, [], f"{chosen[0]:.4g}")


def _others_threshold(name: str, rule: Rule, steps: Sequence[Sequence[Steps]], groups: Sequence[str]) -> Row:
    """For each group the threshold that is best on all the others: nobody has labels of their own series."""
    figures: dict[str, list[float]] = {measure.name: [] for measure in rule.measures}
    for each in steps:
        sweeps = [(_of(each, groups, group, True), _of(each, groups, group, False)) for group in sorted(set(groups))]
        for measure in rule.measures:
            result = total(own.at(others.best(measure.chosen_by)[0]) for own, others in sweeps)
            figures[measure.name].append(float(measure.score(result)))
    return Row(name, figures, [])


def _of(steps: Sequence[Steps], groups: Sequence[str], group: str, inside: bool) -> Sweep:
    return Sweep([each for each, its in zip(steps, groups, strict=True) if (its == group) is inside])


def _file(scored: ScoredSeries, marked: Marks) -> FileResult:
    found = outcome(scored.alerts, marked)
    return FileResult(scored, marked, found, scored.series.days(marked.scored_from), _delays(scored, marked))


def _delays(scored: ScoredSeries, marked: Marks) -> list[tuple[int, float]]:
    delays = []
    for first, last in scored.series.windows:
        alerts = np.flatnonzero(scored.alerts[max(first, marked.scored_from) : last + 1])
        if len(alerts):
            readings = int(alerts[0]) + max(first, marked.scored_from) - first
            delays.append((readings, readings / (last - first + 1)))
    return delays
