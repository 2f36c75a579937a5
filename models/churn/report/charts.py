"""The report's charts, each an SVG text."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from models.churn.report.contents import Contents

BLUE, ORANGE, GREY = "#1f5fa8", "#d9722b", "#9aa3ad"
SHOWN_COLUMNS = 12
MAX_LABEL_LENGTH = 24
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "grid.color": "#e8ebee",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "headrace",
}


def _svg(draw: Callable[[Any], None], width: float = 4.4, height: float = 3.3) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        with warnings.catch_warnings():  # the page's reader has the fonts, and no glyph is drawn here
            warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
            text = io.StringIO()
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def roc(report: Contents) -> str:
    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":")
        axes.plot(report["roc"]["false_alarm_rate"], report["roc"]["recall"], color=BLUE)
        axes.set(xlabel="share of those who stayed, flagged", ylabel="share of those who left, flagged")

    return _svg(draw)


def precision_recall(report: Contents) -> str:
    def draw(axes: Any) -> None:
        axes.axhline(report["data"]["positive_rate"], color=GREY, linestyle=":")
        axes.plot(report["precision_recall"]["recall"], report["precision_recall"]["precision"], color=BLUE)
        axes.set(xlabel="share of those who left, flagged", ylabel="share of the flagged who left", ylim=(0, 1.02))

    return _svg(draw)


def calibration(report: Contents) -> str:
    def draw(axes: Any) -> None:
        points = report["calibration"]
        highest = max(points["said"] + points["seen"]) * 1.05
        axes.plot([0, highest], [0, highest], color=GREY, linestyle=":")
        bars = 1.96 * np.array(points["standard_error"])
        axes.errorbar(points["said"], points["seen"], bars, color=BLUE, marker="o", markersize=4, linewidth=1)
        axes.set(xlabel="probability said", ylabel="share that left")

    return _svg(draw)


def lift(report: Contents) -> str:
    def draw(axes: Any) -> None:
        axes.axhline(1, color=GREY, linestyle=":")
        axes.plot(report["lift"]["share"], report["lift"]["lift"], color=BLUE)
        axes.set(xlabel="share of customers, highest risk first", ylabel="times the rate of all", ylim=(0, None))

    return _svg(draw)


def profit(report: Contents) -> str:
    def draw(axes: Any) -> None:
        axes.axhline(0, color=GREY, linestyle=":")
        axes.plot(report["profit"]["share"], report["profit"]["saved"], color=BLUE)
        best = int(np.argmax(report["profit"]["saved"]))
        axes.plot(report["profit"]["share"][best], report["profit"]["saved"][best], "o", color=ORANGE)
        axes.set(xlabel="share of customers flagged, highest risk first", ylabel="saved a customer")

    return _svg(draw)


def permutation(report: Contents) -> str:
    lost = sorted(report["permutation_importance"].items(), key=lambda each: -each[1]["mean"])[:SHOWN_COLUMNS]

    def draw(axes: Any) -> None:
        means, deviations = ([each[key] for _, each in lost] for key in ("mean", "deviation"))
        axes.barh([_short(name) for name, _ in lost], means, xerr=deviations, color=BLUE, ecolor=GREY)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set(xlabel="ROC AUC lost when shuffled")

    return _svg(draw, height=3.8)


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
        axes.set_yticks(range(len(shown)), [_short(name) for name, _ in shown])
        axes.invert_yaxis()
        axes.set(xlabel="added to the log odds (blue: low number, red: high, grey: category)")

    return _svg(draw, width=5.4, height=3.8)


def dependence(name: str, points: list[dict[str, Any]]) -> str:
    title = _short(name)
    if isinstance(points[0]["value"], str) and len(points) > SHOWN_COLUMNS:
        title += f", {SHOWN_COLUMNS} of {len(points)}: highest and lowest"
        points = sorted(points, key=lambda each: -each["probability"])
        points = points[: SHOWN_COLUMNS // 2] + points[-SHOWN_COLUMNS // 2 :]
    values, probabilities = [each["value"] for each in points], [each["probability"] for each in points]

    def draw(axes: Any) -> None:
        if isinstance(values[0], str):
            axes.barh([_short(value) for value in values], probabilities, color=BLUE, height=0.6)
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
            axes.set(xlabel="mean probability", xlim=(0, None))
        else:
            axes.plot(values, probabilities, color=BLUE)
            axes.set(xlabel=_short(name), ylabel="mean probability", ylim=(0, None))
        axes.set_title(title, loc="left", fontsize=9)

    return _svg(draw, width=3.6, height=2.4)


def _short(name: str) -> str:
    """As matplotlib has it: two dollars would begin and end a formula."""
    shown = name if len(name) <= MAX_LABEL_LENGTH else name[: MAX_LABEL_LENGTH - 1] + "…"
    return shown.replace("$", r"\$")
