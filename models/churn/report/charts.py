"""The report's charts, each an SVG text."""

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from models.churn.report.contents import Contents
from models.churn.report.label_text import FONT, FONT_SIZE_PT, shortened, stand_in

BLUE, ORANGE, GREY = "#1f5fa8", "#d9722b", "#9aa3ad"
SHOWN_COLUMNS = 12
STYLE = {
    "font.family": [FONT, "sans-serif"],
    "font.size": FONT_SIZE_PT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "grid.color": "#e8ebee",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "headrace",
}


def roc(report: Contents) -> str:
    """The ROC curve."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":")
        axes.plot(report["roc"]["false_alarm_rate"], report["roc"]["recall"], color=BLUE)
        axes.set(xlabel="false positive rate", ylabel="true positive rate")

    return _svg(draw)


def precision_recall(report: Contents) -> str:
    """Precision over recall."""

    def draw(axes: Any) -> None:
        axes.axhline(report["data"]["positive_rate"], color=GREY, linestyle=":")
        axes.plot(report["precision_recall"]["recall"], report["precision_recall"]["precision"], color=BLUE)
        axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))

    return _svg(draw)


def calibration(report: Contents) -> str:
    """Observed rate over predicted probability, with 95 % intervals."""

    def draw(axes: Any) -> None:
        points = report["calibration"]
        highest = max(points["predicted"] + points["observed"]) * 1.05
        axes.plot([0, highest], [0, highest], color=GREY, linestyle=":")
        bars = 1.96 * np.array(points["standard_error"])
        axes.errorbar(points["predicted"], points["observed"], bars, color=BLUE, marker="o", markersize=4, linewidth=1)
        axes.set(xlabel="mean predicted probability", ylabel="fraction of positives")

    return _svg(draw)


def lift(report: Contents) -> str:
    """How much denser churn is among the customers of highest risk than among all."""

    def draw(axes: Any) -> None:
        axes.axhline(1, color=GREY, linestyle=":")
        axes.plot(report["lift"]["share"], report["lift"]["lift"], color=BLUE)
        axes.set(xlabel="fraction of customers, by descending risk", ylabel="lift", ylim=(0, None))

    return _svg(draw)


def profit(report: Contents) -> str:
    """What flagging the customers of highest risk saves."""

    def draw(axes: Any) -> None:
        axes.axhline(0, color=GREY, linestyle=":")
        axes.plot(report["profit"]["share"], report["profit"]["saved"], color=BLUE)
        best = int(np.argmax(report["profit"]["saved"]))
        axes.plot(report["profit"]["share"][best], report["profit"]["saved"][best], "o", color=ORANGE)
        axes.set(xlabel="fraction of customers flagged, by descending risk", ylabel="savings per customer")

    return _svg(draw)


def permutation(report: Contents) -> str:
    """Permutation importance, the largest columns."""
    lost = sorted(report["permutation_importance"].items(), key=lambda each: -each[1]["mean"])[:SHOWN_COLUMNS]

    def draw(axes: Any) -> None:
        means, deviations = ([each[key] for _, each in lost] for key in ("mean", "deviation"))
        axes.barh(range(len(lost)), means, xerr=deviations, color=BLUE, ecolor=GREY)
        axes.grid(axis="y", visible=False)
        axes.set(xlabel="decrease in ROC AUC")

    return _svg(draw, [name for name, _ in lost], height=3.8)


def shapley(report: Contents) -> str:
    """One dot a row: how far it moves the log odds; colour is the rank of a number, grey a category."""
    shown = list(report["shapley"].items())[:SHOWN_COLUMNS]

    def draw(axes: Any) -> None:
        rng = np.random.default_rng(0)
        axes.axvline(0, color=GREY, linewidth=0.8)
        for place, (_, each) in enumerate(shown):
            heights = place + rng.uniform(-0.3, 0.3, len(each["values"]))
            ranks = each["ranks"]
            colours = {"color": GREY} if ranks is None else {"c": np.array(ranks, float), "cmap": "coolwarm"}
            axes.scatter(each["values"], heights, s=4, linewidths=0, **colours)
        axes.set(xlabel="Shapley value (log odds)")

    return _svg(draw, [name for name, _ in shown], width=5.4, height=3.8)


def dependence(name: str, points: list[dict[str, Any]]) -> str:
    """Partial dependence: mean probability if all customers had this value."""
    points = _extremes(points)
    values, probabilities = [each["value"] for each in points], [each["probability"] for each in points]

    def draw(axes: Any) -> None:
        if _is_category(points):
            axes.barh(range(len(values)), probabilities, color=BLUE, height=0.6)
            axes.grid(axis="y", visible=False)
            axes.set(xlabel="mean probability", xlim=(0, None))
        else:
            axes.plot(values, probabilities, color=BLUE)
            axes.set(ylabel="mean probability", ylim=(0, None))

    return _svg(draw, values if _is_category(points) else (), width=3.6, height=2.4)


def caption(name: str, points: list[dict[str, Any]]) -> str:
    """What stands below a chart of partial dependence."""
    left_out = len(points) - len(_extremes(points))
    note = f" ({SHOWN_COLUMNS} of {len(points)} categories: the highest and the lowest)" if left_out else ""
    return f"Partial dependence on {name}{note}."


def _extremes(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not _is_category(points) or len(points) <= SHOWN_COLUMNS:
        return points
    ranked = sorted(points, key=lambda each: -each["probability"])
    return ranked[: SHOWN_COLUMNS // 2] + ranked[-SHOWN_COLUMNS // 2 :]


def _is_category(points: list[dict[str, Any]]) -> bool:
    return isinstance(points[0]["value"], str)


def _svg(draw: Callable[[Any], None], rows: Sequence[str] = (), width: float = 4.4, height: float = 3.3) -> str:
    """The chart; `rows` are the names of the places 0, 1, 2 ... of its vertical axis, from above."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        if rows:
            _name_rows(figure, axes, rows)
        with warnings.catch_warnings():  # the page's reader has the fonts, and no glyph is drawn here
            warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
            text = io.StringIO()
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _name_rows(figure: Any, axes: Any, rows: Sequence[str]) -> None:
    """Laid out with stand-ins as wide as the names are in a browser, then with the names."""
    names = [shortened(name) for name in rows]
    places = range(len(names))
    # parse_math: two dollars in a name would begin and end a formula.
    axes.set_yticks(places, [stand_in(name) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    axes.set_yticks(places, names, parse_math=False)
