"""The scored series of a file as a picture: values, the expected range as a band, alerts marked; a panel each."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from headrace.scoring.chart_text import families_for, with_glyphs
from headrace.scoring.envelope import EXPECTED_HIGH, EXPECTED_LOW, HIGHEST, LOWEST, Envelope
from headrace.scoring.outputs import writing
from headrace.scoring.panels import Panels
from models.churn.report.charts import BLUE, GREY, STYLE
from models.churn.report.label_text import shortened, stand_in

RANGE, ALERT = "#a6c6e8", "#c0262d"
WIDTH_IN, DPI = 10.0, 120
HUGE = 1e200
"""Values above are drawn in units of it: matplotlib cannot place ticks near the end of the floats."""

TITLE_PT = 280.0
"""Of a panel's title, in one of two columns."""


def draw(panels: Panels, path: Path) -> None:
    """Write the picture as PNG or SVG, by the name of the file.

    Text of an SVG stays text: the reader's fonts draw it, whatever its script. A PNG is drawn with the fonts of this
    machine; a character that none of them has is written as its code, such as U+9867.
    """
    is_svg = path.suffix.lower() == ".svg"
    titles = [shortened(each, TITLE_PT) for each in panels.titles]
    style: dict[str, Any] = dict(STYLE)
    if not is_svg:
        titles = [with_glyphs(each) for each in titles]
        style["font.family"] = families_for("".join(titles))
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")  # of an SVG: its reader has the fonts
        figure = _figure(panels, [stand_in(each) for each in titles] if is_svg else titles)
        if is_svg:
            _name(figure, titles)
        _save(figure, path, is_svg)


def _save(figure: Figure, path: Path, is_svg: bool) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with writing(path):
            _save_partial(figure, partial, is_svg)
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _save_partial(figure: Figure, partial: Path, is_svg: bool) -> None:
    if is_svg:
        figure.savefig(partial, format="svg", facecolor="white", metadata={"Date": None})
    else:
        FigureCanvasAgg(figure)
        figure.savefig(partial, format="png", dpi=DPI, metadata={"Software": None})


def _figure(panels: Panels, titles: Sequence[str]) -> Figure:
    n_columns = 1 if len(titles) <= 4 else 2
    n_rows = -(-len(titles) // n_columns)
    height = 3.4 if n_rows == 1 else 1.9 * n_rows
    figure = Figure(figsize=(WIDTH_IN, height + 0.5), layout="constrained")
    all_axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes in all_axes[len(titles) :]:
        axes.set_visible(False)
    for axes, title, envelope in zip(all_axes, titles, panels.envelopes, strict=False):
        # parse_math: two dollars in a name would begin and end a formula.
        axes.set_title(title, loc="left", fontsize=STYLE["font.size"], parse_math=False)
        _draw_series(axes, envelope)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    if panels.note:
        figure.supxlabel(panels.note, fontsize=STYLE["font.size"], color=GREY)
    return figure


def _name(figure: Figure, titles: Sequence[str]) -> None:
    """The names in place of their stand-ins, which have taken the room that they need."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, title in zip(figure.axes, titles, strict=False):
        axes.set_title(title, loc="left", fontsize=STYLE["font.size"], parse_math=False)


def _draw_series(axes: Any, envelope: Envelope) -> None:
    times, bounds = envelope.stretches()
    unit = HUGE if max(np.abs(bounds[LOWEST]).max(), np.abs(bounds[HIGHEST]).max()) > HUGE else 1.0
    if unit > 1:
        axes.set_ylabel(f"in {HUGE:g}")
    bounds = bounds / unit
    moments = times.astype("datetime64[ms]")
    known = np.isfinite(bounds[EXPECTED_LOW]) & np.isfinite(bounds[EXPECTED_HIGH])
    low, high = (np.where(known, bounds[each], np.nan) for each in (EXPECTED_LOW, EXPECTED_HIGH))
    axes.fill_between(moments, low, high, color=RANGE, alpha=0.7, linewidth=0, label="expected range")
    line = np.column_stack([bounds[LOWEST], bounds[HIGHEST]]).ravel()
    marker = "." if envelope.readings == 1 else ""
    axes.plot(np.repeat(moments, 2), line, color=BLUE, linewidth=0.8, marker=marker, label="value")
    alert_moments = np.array(envelope.alert_times, np.int64).astype("datetime64[ms]")
    axes.plot(
        alert_moments, np.array(envelope.alert_values) / unit, "v", color=ALERT, markeredgecolor="white", markersize=7,
        label="alert", zorder=5,
    )  # fmt: skip
    _limit(axes, bounds)
    locator = mdates.AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    axes.margins(x=0.01)


def _limit(axes: Any, bounds: Any) -> None:
    """The values fill the picture: the range of a series that has gone wild may be far outside of them."""
    lowest, highest = float(bounds[LOWEST].min()), float(bounds[HIGHEST].max())
    span = highest - lowest
    if np.isfinite(span) and span > 0:
        axes.set_ylim(lowest - 0.1 * span, highest + 0.15 * span)
