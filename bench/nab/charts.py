"""A picture of a series and what a detector said of it, as an SVG text that stays small for any number of readings."""

import io
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bench.nab.evaluation import FileResult
from bench.nab.scoring import NO_WINDOW
from models.churn.report.charts import BLUE, GREY, ORANGE, STYLE
from models.detectors.growable_arrays import Array, Floats

WINDOW, PROBATION, RANGE = "#f6d9a8", "#eef0f2", "#a6c6e8"
FOUND, FALSE = "#1a7f37", "#c0262d"
COLUMNS = 1_000
"""Of how many a line has two points each, the lowest and the highest of its readings."""


def chart(result: FileResult) -> str:
    """Values with expected range and alerts above, the scores with their threshold below; windows behind both."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        values, scores = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        times = result.scored.series.times.astype("datetime64[ms]")
        for axes in (values, scores):
            _shade(axes, times, result)
        _draw_values(values, times, result)
        _draw_scores(scores, times, result)
        values.margins(x=0.005)
        figure.align_ylabels()
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _shade(axes: Any, times: Array, result: FileResult) -> None:
    for first, last in result.scored.series.windows:
        if first <= last:
            axes.axvspan(times[first], times[last], color=WINDOW, linewidth=0)
    if result.marks.scored_from:
        axes.axvspan(times[0], times[result.marks.scored_from], color=PROBATION, linewidth=0)


def _draw_values(axes: Any, times: Array, result: FileResult) -> None:
    scored = result.scored
    values = scored.series.values
    low, high = _envelope(times, scored.expected_low)[1], _envelope(times, scored.expected_high)[1]
    axes.fill_between(_envelope(times, values)[0], low, high, color=RANGE, alpha=0.6, linewidth=0)
    axes.plot(*_envelope(times, values), color=BLUE, linewidth=0.7)
    for places, colour, marker in _alerts(result):
        axes.plot(times[places], values[places], marker, color=colour, markersize=6, linestyle="", zorder=5)
    span = np.ptp(values) or 1.0
    # The range of a series that has gone wild may be far outside what it has shown: the values fill the picture.
    axes.set(ylabel="value", ylim=(values.min() - 0.08 * span, values.max() + 0.08 * span))


def _draw_scores(axes: Any, times: Array, result: FileResult) -> None:
    scored = result.scored
    axes.plot(*_envelope(times, scored.scores), color=GREY, linewidth=0.7)
    axes.plot(*_envelope(times, scored.thresholds), color=ORANGE, linewidth=0.9)
    for places, colour, marker in _alerts(result):
        axes.plot(times[places], scored.scores[places], marker, color=colour, markersize=4, linestyle="", zorder=5)
    axes.set(ylabel="score", ylim=(0, None))


def _alerts(result: FileResult) -> Iterator[tuple[Array, str, str]]:
    """Places, colour and marker of those inside windows, of false ones, and of those that are not scored."""
    alerts = np.flatnonzero(result.scored.alerts)
    is_scored = alerts >= result.marks.scored_from
    inside = result.marks.windows[alerts] != NO_WINDOW
    yield alerts[is_scored & inside], FOUND, "v"
    yield alerts[is_scored & ~inside], FALSE, "x"
    yield alerts[~is_scored], GREY, "x"


def _envelope(times: Array, values: Floats) -> tuple[Array, Floats]:
    """Lowest and highest of the readings of each of `COLUMNS` stretches; a series that is shorter as it is."""
    n = len(values)
    if n <= 2 * COLUMNS:
        return times, np.where(np.isfinite(values), values, np.nan)
    cuts = np.linspace(0, n, COLUMNS + 1).astype(np.int64)[:-1]
    known = np.isfinite(values)
    lowest = np.minimum.reduceat(np.where(known, values, np.inf), cuts)
    highest = np.maximum.reduceat(np.where(known, values, -np.inf), cuts)
    pairs = np.column_stack([lowest, highest]).ravel()
    return np.repeat(times[cuts], 2), np.where(np.isfinite(pairs), pairs, np.nan)
